//! `core/approval`: asks people and waits until enough of them have approved, or it is rejected.

mod notify;

use std::collections::BTreeSet;

use stepwell::config::FieldError;
use stepwell::prelude::*;

use self::notify::{Notify, everybody_has_mail};
use super::mail::MailServer;

/// So many people are asked at most.
const MOST_APPROVERS: usize = 100;

/// Whom to ask what.
#[config]
struct Approval {
    /// Message
    ///
    /// What is to be approved, in a sentence.
    #[field(placeholder = "May we ship order 7?")]
    message: String,
    /// Details
    ///
    /// What there is to know, in lines and paragraphs.
    #[field(multiline)]
    details: Option<String>,
    /// Approvers
    ///
    /// Who is asked: at most 100 people, each with a name of their own. Each has a link of their own.
    #[field(check = can_be_told_apart)]
    approvers: Vec<Approver>,
    /// Quorum
    ///
    /// How many must approve; without it all of them.
    #[field(check = can_be_reached(approvers))]
    quorum: Option<u32>,
    /// Reject when
    #[field(default = RejectWhen::Any)]
    reject_when: RejectWhen,
    /// Notify
    ///
    /// How the links reach the approvers. `stepwell links` shows them too.
    #[field(default = Vec::new(), check = everybody_has_mail(approvers))]
    notify: Vec<Notify>,
}

/// Somebody who is asked.
#[config]
struct Approver {
    /// Name
    name: String,
    /// Address
    ///
    /// Where they are reached, such as a name in a chat: for what is notified, and in the outcome.
    address: Option<String>,
    /// Email
    ///
    /// Where mail reaches them, for `kind: email` of `notify`.
    email: Option<EmailAddress>,
}

/// When rejections decide.
#[data]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum RejectWhen {
    /// Anybody rejects
    Any,
    /// Too many have rejected for the quorum to be reached
    QuorumImpossible,
}

/// What is known while it waits.
#[data]
#[derive(Default)]
struct Votes {
    /// The latest of each approver, in the order in which they came.
    given: Vec<Vote>,
}

/// An approver's answer.
#[data]
struct Vote {
    /// The number of the approver.
    approver: u32,
    verdict: Verdict,
    comment: Option<String>,
    at: Timestamp,
}

/// What an approver can answer.
#[data]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// Approve
    Approve,
    /// Reject
    Reject,
}

/// Who has answered what.
#[data]
struct Answered {
    /// Name
    name: String,
    /// Address
    address: Option<String>,
    /// Answer
    answer: Verdict,
    /// Comment
    comment: Option<String>,
    /// When
    at: Timestamp,
}

/// How it was decided.
#[data]
struct Decision {
    /// Whose answer decided it
    by: String,
    /// What they wrote beside it
    comment: Option<String>,
    /// When
    at: Timestamp,
    /// The latest answer of each who has answered, in the order in which they came
    answers: Vec<Answered>,
}

/// Ask for approval
///
/// Asks people, each by a link of their own to a page with the message and two buttons. Seeing the page changes nothing. Who
/// answers again replaces their answer, until it is decided. The step's deadline says how long it waits. Mail goes through
/// a connection `core/smtp`, which the step names.
#[step(
    app = "core",
    outcomes(
        /// Enough have approved
        approved(Decision),
        /// It was rejected
        rejected(Decision),
    ),
    finish = count,
)]
async fn approval(
    config: Approval,
    cx: ExecuteContext<Option<MailServer>>,
) -> Result<Execution<ApprovalOutcome, Votes>, StepError> {
    for (way, notify) in config.notify.iter().enumerate() {
        for (person, approver) in (0..).zip(&config.approvers) {
            let name = format!("notify-{way}-{person}");
            cx.once(&name, async |key| notify.tell(&config, (person, approver), (&name, &key), &cx).await)
                .await?;
        }
    }
    let mut question = Question::new(&config.message)
        .button("approve", "Approve")
        .button("reject", "Reject")
        .comment("Comment (optional)");
    if let Some(details) = &config.details {
        question = question.details(details);
    }
    for approver in &config.approvers {
        question = question.person(&approver.name);
    }
    let names: Vec<&str> = config.approvers.iter().map(|approver| approver.name.as_str()).collect();
    let waiting_for = match (config.quorum(), names.as_slice()) {
        (_, [name]) => format!("approval by {name}"),
        (quorum, names) => format!("approval by {quorum} of {}", names.join(", ")),
    };
    Ok(Execution::defer(Votes::default()).asking(question).waiting_for(waiting_for))
}

/// Counts an answer.
async fn count(
    request: Request,
    config: Approval,
    cx: FinishContext<Votes, Option<MailServer>>,
) -> Result<Finish<ApprovalOutcome, Votes>, StepError> {
    let sender = request.sender().and_then(|number| Some((number, config.approver(number)?)));
    let (number, approver) =
        sender.ok_or_else(|| Rejected::forbidden("only an approver's own link can answer"))?;
    let Answer { answer: verdict, comment } = request.answer()?;
    let at = cx.now().into();
    let mut votes = cx.state().clone();
    votes.given.retain(|vote| vote.approver != number);
    votes.given.push(Vote { approver: number, verdict, comment: comment.clone(), at });
    let Some(verdict) = config.verdict(&votes) else { return Ok(Finish::NextState(votes)) };
    let decision = Decision { by: approver.name.clone(), comment, at, answers: config.answers(&votes) };
    Ok(match verdict {
        Verdict::Approve => ApprovalOutcome::Approved(decision),
        Verdict::Reject => ApprovalOutcome::Rejected(decision),
    }
    .into())
}

/// Who has answered is told by name.
fn can_be_told_apart(approvers: &[Approver]) -> Result<(), FieldError> {
    if approvers.is_empty() || approvers.len() > MOST_APPROVERS {
        let count = approvers.len();
        return Err(FieldError::new(format!(
            "{count} people cannot be asked; name at least 1 and at most {MOST_APPROVERS}"
        )));
    }
    if let Some(nobody) = approvers.iter().position(|approver| approver.name.trim().is_empty()) {
        let message = "The approver has no name, so that nobody could tell who has answered; write it";
        return Err(FieldError::new(message).at(format!("{nobody}.name")));
    }
    let mut names = BTreeSet::new();
    match approvers.iter().position(|approver| !names.insert(approver.name.trim())) {
        Some(second) => Err(FieldError::new(format!(
            "`{}` is there twice, so that nobody could tell who has answered; give each a name of their own",
            approvers[second].name.trim()
        ))
        .at(format!("{second}.name"))),
        None => Ok(()),
    }
}

fn can_be_reached(quorum: Option<&u32>, approvers: &[Approver]) -> Result<(), String> {
    match quorum.copied() {
        Some(0) => Err("0 approvals decide nothing; make it at least 1".to_owned()),
        Some(quorum) if usize::try_from(quorum).is_ok_and(|quorum| quorum > approvers.len()) => {
            Err(format!("{quorum} of {0} approvers cannot approve; make it 1 to {0}", approvers.len()))
        }
        _ => Ok(()),
    }
}

impl Approval {
    /// How many must approve.
    fn quorum(&self) -> usize {
        self.quorum.and_then(|quorum| usize::try_from(quorum).ok()).unwrap_or(self.approvers.len())
    }

    fn approver(&self, number: u32) -> Option<&Approver> {
        self.approvers.get(usize::try_from(number).ok()?)
    }

    /// What the votes come to; `None` as long as others can decide it.
    fn verdict(&self, votes: &Votes) -> Option<Verdict> {
        let of = |verdict| votes.given.iter().filter(|vote| vote.verdict == verdict).count();
        let (approvals, rejections) = (of(Verdict::Approve), of(Verdict::Reject));
        let rejected = match self.reject_when {
            RejectWhen::Any => rejections > 0,
            RejectWhen::QuorumImpossible => self.approvers.len().saturating_sub(rejections) < self.quorum(),
        };
        if rejected {
            return Some(Verdict::Reject);
        }
        (approvals >= self.quorum()).then_some(Verdict::Approve)
    }

    fn answers(&self, votes: &Votes) -> Vec<Answered> {
        let answered = |vote: &Vote| {
            let Approver { name, address, .. } = self.approver(vote.approver)?.clone();
            Some(Answered { name, address, answer: vote.verdict, comment: vote.comment.clone(), at: vote.at })
        };
        votes.given.iter().filter_map(answered).collect()
    }
}
