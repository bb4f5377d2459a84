//! The types for fields as an author uses them: in configs, in data and in outcomes.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;

use serde_json::{Value, json};
use stepwell::config::schema_of;
use stepwell::data::Data;
use stepwell::prelude::*;
use stepwell::testing::Testing;
use stepwell::types::{Country, Currency};

/// A field of each type
#[config]
struct Everything {
    /// Email address
    email: EmailAddress,
    phone: PhoneNumber,
    domain: Domain,
    url: Url,
    price: Money,
    date: Date,
    timestamp: Timestamp,
    duration: Duration,
    name: PersonName,
    place: Location,
    /// Message
    ///
    /// What to say.
    #[field(placeholder = "Dear Ada")]
    text: RichText,
    token: Secret<String>,
    currency: Currency,
    country: Country,
    optional_email: Option<EmailAddress>,
    optional_price: Option<Money>,
    optional_name: Option<PersonName>,
    optional_token: Option<Secret<String>>,
    recipients: Vec<EmailAddress>,
}

/// Data of each shape.
#[data]
#[derive(PartialEq, Eq)]
struct Contact {
    email: EmailAddress,
    others: Vec<EmailAddress>,
    sites: BTreeSet<Url>,
    prices: HashMap<String, Money>,
    parent: Option<Box<Contact>>,
    token: Secret<String>,
}

#[step(outcomes(found { email: EmailAddress, born: Option<Date> }, priced(Money), known(Vec<EmailAddress>)))]
async fn look_up(config: Everything, _cx: ExecuteContext) -> Result<LookUpOutcome, StepError> {
    Ok(match config.optional_price {
        Some(price) => LookUpOutcome::Priced(price),
        None if config.recipients.is_empty() => LookUpOutcome::Found { email: config.email, born: None },
        None => LookUpOutcome::Known(config.recipients),
    })
}

fn everything() -> Value {
    json!({
        "email": "ada@example.com",
        "phone": "+4915112345678",
        "domain": "xn--bcher-kva.example",
        "url": "https://example.com/",
        "price": { "amount": "12.50", "currency": "EUR" },
        "date": "2026-03-01",
        "timestamp": "2026-03-01T09:30:00Z",
        "duration": "PT1H30M",
        "name": { "first_name": "Ada", "last_name": "Lovelace" },
        "place": { "city": "London", "country": "GB", "latitude": 51.5, "longitude": -0.125 },
        "text": "Dear **Ada**",
        "token": "hunter2",
        "currency": "EUR",
        "country": "GB",
        "optional_email": "ada@example.com",
        "optional_price": { "amount": "12.50", "currency": "EUR" },
        "optional_name": null,
        "optional_token": "hunter2",
        "recipients": ["ada@example.com", "grace@example.com"],
    })
}

#[test]
fn normal_forms_pass_through_json_unchanged() {
    let config: Everything = serde_json::from_value(everything()).unwrap();
    assert_eq!(serde_json::to_value(&config).unwrap(), everything());
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn other_forms_become_the_normal_ones() {
    let mut given = everything();
    given["email"] = json!(" ada@EXAMPLE.com");
    given["phone"] = json!("+49 (0)151 12345678");
    given["domain"] = json!("Bücher.example");
    given["url"] = json!("HTTPS://example.com");
    given["price"] = json!({ "amount": 12.5, "currency": "eur" });
    given["timestamp"] = json!("2026-03-01T10:30:00+01:00");
    given["duration"] = json!("PT90M");
    given["name"] = json!({ "first_name": "Ada ", "last_name": " Lovelace" });
    let config: Everything = serde_json::from_value(given).unwrap();
    assert_eq!(serde_json::to_value(&config).unwrap(), everything());
}

#[test]
fn a_wrong_field_fails_with_its_sentence() {
    for (field, value, sentence) in [
        ("email", json!("ada"), "The email address has no `@`; write it like `name@example.com`"),
        ("date", json!("2026-02-30"), "The date is not in the calendar; check its month and day"),
        ("name", json!({}), "The name is empty; give a first name, a last name or both"),
        (
            "price",
            json!({ "amount": "0.001", "currency": "EUR" }),
            "The amount has more decimal places than EUR, which has 2; round it",
        ),
    ] {
        let mut given = everything();
        given[field] = value;
        assert_eq!(serde_json::from_value::<Everything>(given).unwrap_err().to_string(), sentence);
    }
}

#[test]
fn schemas_name_the_format_and_the_widget_and_leave_the_fields_own_hints() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema_of::<Everything>()).unwrap());
}

#[tokio::test]
async fn an_outcome_carries_them() {
    let outcomes = serde_json::to_value(LookUpOutcome::descriptions()).unwrap();
    assert_eq!(outcomes[0]["schema"]["properties"]["email"]["x-stepwell-widget"], "email");
    assert_eq!(outcomes[0]["schema"]["properties"]["born"]["type"], json!(["string", "null"]));
    assert_eq!(outcomes[1]["schema"]["x-stepwell-widget"], "money");
    let config = serde_json::from_value(everything()).unwrap();
    let outcome = look_up(config, Testing::new().execute()).await.unwrap();
    assert_eq!(outcome.into_outcome().unwrap().data, json!({ "amount": "12.50", "currency": "EUR" }));
}

#[test]
fn data_of_every_shape_comes_back_as_it_was() {
    fn comes_back<T: Data + Debug + PartialEq>(value: &T) {
        let json = serde_json::to_value(value).unwrap();
        assert_eq!(&serde_json::from_value::<T>(json).unwrap(), value);
    }

    let ada = Contact {
        email: "ada@example.com".parse().unwrap(),
        others: vec!["grace@example.com".parse().unwrap()],
        sites: BTreeSet::from(["https://example.com".parse().unwrap()]),
        prices: HashMap::from([("coffee".to_owned(), "3 EUR".parse().unwrap())]),
        parent: None,
        token: "hunter2".into(),
    };
    comes_back(&Contact { parent: Some(Box::new(ada.clone())), ..ada.clone() });
    comes_back(&Some(ada.email));
}
