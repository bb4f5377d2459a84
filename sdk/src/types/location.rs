//! A place.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::line::line;
use super::{Country, InvalidValue};

/// A place: a postal address, coordinates, or both.
///
/// Made from [`LocationParts`], to which it derefs, of which at least one has to be there. White space around a text is
/// dropped, and within it is one space; each text has at most 200 characters. The coordinates are degrees in WGS 84:
/// a latitude from -90 to 90 and a longitude from -180 to 180, which go together.
///
/// ```
/// use stepwell::types::{Location, LocationParts};
///
/// let location = Location::try_from(LocationParts {
///     line_1: Some("1 St James's Square".to_owned()),
///     city: Some("London".to_owned()),
///     country: Some("gb".parse()?),
///     ..LocationParts::default()
/// })?;
/// assert_eq!(location.city.as_deref(), Some("London"));
/// assert_eq!(location.to_string(), "1 St James's Square, London, GB");
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "LocationParts", into = "LocationParts")]
pub struct Location(LocationParts);

// The coordinates are numbers: their range was checked.
impl Eq for Location {}

/// What a [`Location`] is made of, not yet checked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename = "Location", deny_unknown_fields)]
#[schemars(description = "", extend("minProperties" = 1, "x-stepwell-widget" = "location"))]
pub struct LocationParts {
    /// The street and the number, or what stands for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Address", description = "")]
    pub line_1: Option<String>,
    /// The rest of the address: a floor, a building.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Address, line 2", description = "")]
    pub line_2: Option<String>,
    /// The city, town or village.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(title = "City", description = "")]
    pub city: Option<String>,
    /// The state, province or county.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Region", description = "")]
    pub region: Option<String>,
    /// The postcode, whose form is not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Postcode", description = "")]
    pub postcode: Option<String>,
    /// The country.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Country", description = "")]
    pub country: Option<Country>,
    /// Degrees north of the equator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Latitude", description = "", range(min = -90, max = 90))]
    pub latitude: Option<f64>,
    /// Degrees east of Greenwich.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Longitude", description = "", range(min = -180, max = 180))]
    pub longitude: Option<f64>,
}

/// Longer than the lines that postal services print.
const MOST_CHARACTERS: usize = 200;

impl Location {
    /// The latitude and the longitude in degrees.
    pub fn coordinates(&self) -> Option<(f64, f64)> {
        self.0.latitude.zip(self.0.longitude)
    }

    /// The parts, to change them.
    pub fn into_parts(self) -> LocationParts {
        self.0
    }
}

impl TryFrom<LocationParts> for Location {
    type Error = InvalidValue;

    fn try_from(parts: LocationParts) -> Result<Self, Self::Error> {
        let text = |name, text: Option<String>| line(name, text.as_deref(), MOST_CHARACTERS);
        let parts = LocationParts {
            line_1: text("The first line of the address", parts.line_1)?,
            line_2: text("The second line of the address", parts.line_2)?,
            city: text("The city", parts.city)?,
            region: text("The region", parts.region)?,
            postcode: text("The postcode", parts.postcode)?,
            country: parts.country,
            latitude: parts.latitude,
            longitude: parts.longitude,
        };
        if parts == LocationParts::default() {
            return Err(InvalidValue::new("The location is empty; give at least one of its parts"));
        }
        if parts.latitude.is_some_and(|latitude| !(-90.0..=90.0).contains(&latitude)) {
            return Err(InvalidValue::new("The latitude is out of range; give degrees from -90 to 90"));
        }
        if parts.longitude.is_some_and(|longitude| !(-180.0..=180.0).contains(&longitude)) {
            return Err(InvalidValue::new("The longitude is out of range; give degrees from -180 to 180"));
        }
        if parts.latitude.is_some() != parts.longitude.is_some() {
            return Err(InvalidValue::new("The location has one coordinate only; give both or none"));
        }
        Ok(Self(parts))
    }
}

impl From<Location> for LocationParts {
    fn from(location: Location) -> Self {
        location.0
    }
}

impl Deref for Location {
    type Target = LocationParts;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The address in one line, or the coordinates where there is no address.
impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LocationParts { line_1, line_2, city, region, postcode, country, .. } = &self.0;
        let texts = [line_1, line_2, city, region, postcode].map(Option::as_deref);
        let country = country.as_ref().map(Country::as_str);
        let parts: Vec<&str> = texts.into_iter().chain([country]).flatten().collect();
        match self.coordinates() {
            Some((latitude, longitude)) if parts.is_empty() => write!(formatter, "{latitude}, {longitude}"),
            _ => formatter.pad(&parts.join(", ")),
        }
    }
}

impl JsonSchema for Location {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Location".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        LocationParts::json_schema(generator)
    }
}

impl crate::data::Data for Location {}

impl crate::config::ConfigField for Location {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn accepted_forms_are_normalised() {
        let json =
            json!({ "line_1": " Unter den  Linden 1", "line_2": "", "city": "Berlin", "country": "de" });
        let location: Location = serde_json::from_value(json).unwrap();
        assert_eq!(location.to_string(), "Unter den Linden 1, Berlin, DE");
        assert_eq!(
            serde_json::to_value(location).unwrap(),
            json!({ "line_1": "Unter den Linden 1", "city": "Berlin", "country": "DE" })
        );
        let json = json!({ "latitude": 52.5163, "longitude": 13.3777 });
        let location: Location = serde_json::from_value(json).unwrap();
        assert_eq!(
            (location.coordinates(), location.to_string().as_str()),
            (Some((52.5163, 13.3777)), "52.5163, 13.3777")
        );
    }

    #[test]
    fn refused_forms_say_how_to_mend_them() {
        for (json, sentence) in [
            (json!({}), "The location is empty; give at least one of its parts"),
            (json!({ "city": " " }), "The location is empty; give at least one of its parts"),
            (json!({ "city": "a\0" }), "The city has control characters; remove them"),
            (json!({ "city": "a".repeat(201) }), "The city is longer than 200 characters; shorten it"),
            (
                json!({ "country": "UK" }),
                "The country is not known; use its code of two letters, such as `DE` or `GB`",
            ),
            (
                json!({ "latitude": 91, "longitude": 0 }),
                "The latitude is out of range; give degrees from -90 to 90",
            ),
            (
                json!({ "latitude": 0, "longitude": -180.5 }),
                "The longitude is out of range; give degrees from -180 to 180",
            ),
            (json!({ "latitude": 52 }), "The location has one coordinate only; give both or none"),
        ] {
            assert_eq!(serde_json::from_value::<Location>(json).unwrap_err().to_string(), sentence);
        }
        let nowhere =
            LocationParts { latitude: Some(f64::NAN), longitude: Some(0.0), ..LocationParts::default() };
        Location::try_from(nowhere).unwrap_err();
    }
}
