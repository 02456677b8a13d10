//! Why there is no token, in words that say what to do.

use crate::azure::error::{ApiError, Failure, Service};
use crate::azure::refusal;

/// What is tried when there is no request to name.
pub(super) const TRIED: &str = "sign-in";

pub(super) fn no_token(why: String) -> ApiError {
    failed(Failure::NoToken { why })
}

fn failed(failure: Failure) -> ApiError {
    ApiError {
        service: Service::Entra,
        tried: TRIED.to_owned(),
        failure,
        correlation_id: None,
        sign_in: Vec::new(),
    }
}

/// Our own error out of the chain of causes where a request was answered; otherwise what az or the library said.
pub(super) fn explain(error: &azure_core::Error) -> ApiError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(this) = cause {
        if let Some(ours) = this.downcast_ref::<ApiError>() {
            return ours.clone();
        }
        cause = this.source();
    }
    let text = error.to_string();
    let text = text.split("\nTo troubleshoot, visit").next().unwrap_or_default().trim();
    match text.strip_prefix("AzureCliCredential authentication failed.") {
        Some(said) => failed(by_az(said.trim())),
        None => no_token(text.to_owned()),
    }
}

/// What az said, in one sentence.
fn by_az(said: &str) -> Failure {
    let no_token = |why: String| Failure::NoToken { why };
    if said.contains("not found on PATH") {
        let why = "The Azure CLI (az) is not installed, or not on PATH. --auth device-code signs in without it, by a code \
                   that you enter in a browser.";
        return no_token(why.to_owned());
    }
    if let Some(code) = refusal::aadsts(said) {
        let from = said.find(&code).unwrap_or_default();
        let line = said[from..].lines().next().unwrap_or_default();
        // Entra answers 400 to az, which does not pass the number on.
        return Failure::Refused {
            status: 400,
            code,
            message: refusal::sentence(line),
            details: Vec::new(),
            retry_after: None,
        };
    }
    if said.contains("az login") || said.contains("az account set") {
        return no_token("The Azure CLI is not signed in there.".to_owned());
    }
    let line = said
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("it gave no reason");
    let line = line.strip_prefix("ERROR: ").unwrap_or(line);
    no_token(format!("The Azure CLI gave no token: {line}"))
}

#[cfg(test)]
mod tests {
    use azure_core::error::{Error, ErrorKind};

    use super::*;

    fn az(said: &str) -> ApiError {
        let text = format!(
            "AzureCliCredential authentication failed. {said}\nTo troubleshoot, visit https://aka.ms/azsdk/rust/identity/troubleshoot#azure-cli"
        );
        explain(&Error::with_message(ErrorKind::Credential, text))
    }

    #[test]
    fn what_az_says_becomes_one_sentence() {
        let table = [
            ("az not found on PATH", "not installed"),
            (
                "ERROR: Please run 'az login' to setup account.\n",
                "not signed in there",
            ),
            (
                "ERROR: No module named 'x'\nTraceback …",
                "gave no token: No module named 'x'",
            ),
            ("", "it gave no reason"),
        ];
        for (said, expected) in table {
            let error = az(said);
            let message = error.message();
            assert!(message.contains(expected), "{said}: {message}");
            assert!(!message.contains("aka.ms") && !message.contains('\n'), "{message}");
            assert!(matches!(error.failure, Failure::NoToken { .. }));
        }
    }

    #[test]
    fn entras_code_in_azs_words_is_kept_as_a_code() {
        let error = az(
            "ERROR: AADSTS50076: Due to a configuration change made by your administrator, you must use multi-factor authentication to access 'x'. Trace ID: 1 Correlation ID: 2 Timestamp: 3\nInteractive authentication is needed. Please run:\naz login --scope y",
        );
        assert_eq!(error.code(), Some("AADSTS50076"));
        let message = error.message();
        assert!(
            message.starts_with("Due to a configuration") && message.ends_with("to access 'x'."),
            "{message}"
        );
    }

    #[test]
    fn other_words_of_the_library_are_kept_without_its_advertisement() {
        let text =
            "ManagedIdentityCredential authentication failed. no identity\nTo troubleshoot, visit https://aka.ms/x";
        let error = explain(&Error::with_message(ErrorKind::Credential, text));
        assert_eq!(
            error.message(),
            "ManagedIdentityCredential authentication failed. no identity"
        );
    }
}
