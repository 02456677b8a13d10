//! The questions, in order, each with suggestions from Azure or the vendor. Esc goes back to the question before.

use std::pin::pin;
use std::sync::Arc;

use futures::FutureExt;
use secrecy::SecretString;

use super::background_sign_in::BackgroundSignIn;
use super::gather::TenantHints;
use super::{GivenInputs, InputError, ValueSource, menu};
use crate::errors::RunError;
use crate::plan::RunEvent;
use crate::steps::EventSink;
use crate::ui::{AskError, InputValidator, ListItems, PromptQuestion as Prompt, PromptResult, Prompter, tell};
use crate::vendors::{InputRequirement, VendorProfile, profiles};

/// Outcome of a question whose rows were still to come.
pub(super) enum SelectOutcome<T> {
    Answer(PromptResult<usize>),
    /// There was nothing to choose after all.
    Settled(T),
}

/// Asks without blocking the runtime: the prompts wait for keys in a thread of their own.
#[derive(Clone)]
pub struct AsyncPrompter(pub Arc<dyn Prompter>);

/// Withdraws a question when nobody waits for its answer any more.
struct OpenQuestion(Option<ListItems>);

impl Drop for OpenQuestion {
    fn drop(&mut self) {
        if let Some(rows) = &self.0 {
            rows.withdraw();
        }
    }
}

impl AsyncPrompter {
    async fn on_a_thread<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Prompter) -> Result<T, AskError> + Send + 'static,
    ) -> Result<T, InputError> {
        let prompter = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || ask(prompter.as_ref())).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(InputError::Cancelled),
        }
    }

    /// The index of one of `rows`.
    ///
    /// # Errors
    /// When the user left.
    pub async fn choose(&self, question: Prompt, rows: ListItems) -> Result<PromptResult<usize>, InputError> {
        let mut open = OpenQuestion(Some(rows.clone()));
        let answer = self
            .on_a_thread(move |prompter| prompter.choose(&question, &rows))
            .await;
        open.0 = None;
        answer
    }

    /// Asks a question while `filling` brings the rows. If `filling` finds that there's nothing to choose, or fails,
    /// the question is withdrawn.
    pub(super) async fn choose_meanwhile<T>(
        &self,
        question: Prompt,
        rows: &ListItems,
        filling: impl Future<Output = Result<Option<T>, InputError>>,
    ) -> Result<SelectOutcome<T>, InputError> {
        let mut filling = pin!(filling);
        let mut asked = pin!(self.choose(question, rows.clone()));
        // What is there already needs no list that comes and goes.
        let filled = match (&mut filling).now_or_never() {
            Some(filled) => filled,
            None => tokio::select! {
                biased;
                answer = &mut asked => return answer.map(SelectOutcome::Answer),
                filled = filling => {
                    if !matches!(filled, Ok(None)) {
                        rows.withdraw();
                        // The screen is free once the prompt has left it, whatever it has to say.
                        let _ = (&mut asked).await;
                    }
                    filled
                }
            },
        };
        match filled? {
            Some(settled) => Ok(SelectOutcome::Settled(settled)),
            None => asked.await.map(SelectOutcome::Answer),
        }
    }

    /// A line that passes `check`.
    ///
    /// # Errors
    /// When the user left.
    pub async fn text(&self, question: Prompt, check: InputValidator) -> Result<PromptResult<String>, InputError> {
        self.on_a_thread(move |prompter| prompter.text(&question, check)).await
    }

    pub(super) async fn secret(&self, question: Prompt) -> Result<PromptResult<SecretString>, InputError> {
        self.on_a_thread(move |prompter| prompter.secret(&question)).await
    }

    /// Yes or no; `by_default` where the user only presses Enter.
    ///
    /// # Errors
    /// When the user left.
    pub async fn confirm(&self, question: Prompt, by_default: bool) -> Result<PromptResult<bool>, InputError> {
        self.on_a_thread(move |prompter| prompter.confirm(&question, by_default))
            .await
    }
}

/// Asks for the vendor.
///
/// # Errors
///
/// The user left.
pub async fn ask_vendor(asker: &AsyncPrompter) -> Result<&'static VendorProfile, InputError> {
    let help = "The vendor or partner on the other side of the peering. 'peerctl vendors NAME' says what each will be \
                given. Flag: --vendor.";
    loop {
        let question = Prompt::new("Who do you want to peer with?", help);
        match asker.choose(question, menu::vendors(profiles())).await? {
            PromptResult::Value(index) => return Ok(&profiles()[index]),
            PromptResult::Back => tell(FIRST),
        }
    }
}

/// Said to a user who wants to the question before the first one.
pub const FIRST: &str = "This is the first question. Ctrl-C stops.";

/// The questions after the vendor and the sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WizardQuestion {
    Subscription,
    Vnet,
    Token,
    /// One of the vendor's own inputs, by its place in the profile.
    Vendor(usize),
    Consent,
}

impl WizardQuestion {
    fn is_of_the_vendor(self) -> bool {
        matches!(self, Self::Token | Self::Vendor(_))
    }
}

/// The questions for a vendor, in the order in which they are put; the narrow ones tell which peering is meant.
fn order(vendor: &VendorProfile, narrow: bool) -> Vec<WizardQuestion> {
    let first = [
        WizardQuestion::Subscription,
        WizardQuestion::Vnet,
        WizardQuestion::Token,
    ];
    let told = |at: &usize| !narrow || vendor.inputs[*at].wanted != InputRequirement::Never;
    let inputs = (0..vendor.inputs.len()).filter(told).map(WizardQuestion::Vendor);
    let last = [WizardQuestion::Consent].into_iter().filter(|_| !narrow);
    first.into_iter().chain(inputs).chain(last).collect()
}

/// Outcome of a question.
pub(super) enum QuestionOutcome {
    /// It was put to the user and answered.
    Answered,
    /// There was nothing to ask.
    Passed,
    /// The answer can't be used, and the user knows why.
    Again,
    Back,
}

/// Known inputs and the questions that were answered: enough to go back to one of them.
pub struct WizardState {
    pub given: GivenInputs,
    /// The vendor's, from the environment or typed in.
    pub token: Option<SecretString>,
    answered: Vec<(WizardQuestion, String)>,
    /// Keys of vendor inputs that an answer told, without a question of their own.
    pub(super) told: Vec<String>,
    /// Whether the network is chosen among those of all subscriptions.
    pub(super) everywhere: bool,
    /// The sign-in, once it is begun; or why it cannot begin.
    pub(super) entered: Option<Result<BackgroundSignIn, RunError>>,
}

impl WizardState {
    /// Before the first question.
    pub fn new(given: GivenInputs) -> Self {
        Self {
            given,
            token: None,
            answered: Vec::new(),
            told: Vec::new(),
            everywhere: false,
            entered: None,
        }
    }

    /// Returns whether any question was answered.
    pub fn has_asked(&self) -> bool {
        !self.answered.is_empty() || self.given.source("vendor") == Some(ValueSource::Answer)
    }

    /// Forgets the answer to the last question, so that it is put again; false where none was put.
    pub fn back(&mut self) -> bool {
        if let Some((question, key)) = self.answered.pop() {
            self.forget(question, &key);
            return true;
        }
        let asked = self.given.source("vendor") == Some(ValueSource::Answer);
        if asked {
            self.given.forget("vendor");
            self.token = None;
        }
        asked
    }

    fn forget(&mut self, question: WizardQuestion, key: &str) {
        match question {
            WizardQuestion::Subscription => {
                self.everywhere = false;
                self.given.forget("subscription");
            }
            WizardQuestion::Vnet => {
                self.given.forget("resource-group");
                self.given.forget("vnet");
                // It told the subscription too.
                if self.everywhere {
                    self.given.forget("subscription");
                }
            }
            WizardQuestion::Token => {
                self.token = None;
                self.given.forget("vendor-access");
            }
            WizardQuestion::Vendor(_) => {
                self.given.forget_set(key);
                for told in std::mem::take(&mut self.told) {
                    self.given.forget_set(&told);
                }
            }
            WizardQuestion::Consent => self.given.forget("consent"),
        }
    }
}

/// Puts the questions, with what the sign-in can suggest.
pub struct SetupWizard<'a> {
    pub asker: &'a AsyncPrompter,
    pub talk: &'a mut WizardState,
    pub entry: &'a mut BackgroundSignIn,
    pub vendor: &'a VendorProfile,
    /// Says what made a question come again.
    pub sink: &'a EventSink,
    /// Only what tells which peering is meant.
    pub narrow: bool,
    /// Leave out what is only of the vendor's network.
    pub preparation: bool,
}

impl SetupWizard<'_> {
    /// Asks everything that is not known yet; `Back` where the user wants to the question before all of these.
    ///
    /// # Errors
    /// When the user left, or something that an answer depends on cannot be read.
    pub async fn ask(&mut self) -> Result<PromptResult<()>, InputError> {
        let mut order = order(self.vendor, self.narrow);
        order.retain(|question| !self.preparation || !question.is_of_the_vendor());
        let place = |question: WizardQuestion| order.iter().position(|one| *one == question).unwrap_or(0);
        let mut at = self.talk.answered.last().map_or(0, |(last, _)| place(*last) + 1);
        while let Some(&question) = order.get(at) {
            // Nobody answers one more question for a sign-in that has failed.
            self.entry.poll()?;
            match self.put(question).await? {
                QuestionOutcome::Answered => self.talk.answered.push((question, self.key(question))),
                QuestionOutcome::Passed => {}
                QuestionOutcome::Again => continue,
                QuestionOutcome::Back => {
                    let Some(&(before, _)) = self.talk.answered.last() else {
                        return Ok(PromptResult::Back);
                    };
                    self.talk.back();
                    at = place(before);
                    continue;
                }
            }
            at += 1;
        }
        Ok(PromptResult::Value(()))
    }

    /// Returns whether the user's last answer is one that a vendor's API request used: the token or one of the vendor
    /// inputs.
    pub(super) fn told_the_vendor(&self) -> bool {
        self.talk
            .answered
            .last()
            .is_some_and(|(question, _)| question.is_of_the_vendor())
    }

    /// Returns the results of the sign-in. Reports that the sign-in is under way while it waits for it.
    pub(super) async fn signed_in(&mut self) -> Result<TenantHints, RunError> {
        if let Some(known) = self.entry.known().now_or_never() {
            return known.cloned();
        }
        (self.sink)(RunEvent::SigningIn { under_way: true });
        let known = self.entry.known().await.cloned();
        (self.sink)(RunEvent::SigningIn { under_way: false });
        known
    }

    /// The key of a vendor input; nothing for the other questions.
    fn key(&self, question: WizardQuestion) -> String {
        match question {
            WizardQuestion::Vendor(at) => self.vendor.inputs[at].key.clone(),
            _ => String::new(),
        }
    }

    async fn put(&mut self, question: WizardQuestion) -> Result<QuestionOutcome, InputError> {
        match question {
            WizardQuestion::Subscription => self.subscription().await,
            WizardQuestion::Vnet => self.vnet().await,
            WizardQuestion::Token => self.vendor_token().await,
            WizardQuestion::Vendor(at) => self.vendor_input(&self.vendor.inputs[at]).await,
            WizardQuestion::Consent => self.consent().await,
        }
    }
}
