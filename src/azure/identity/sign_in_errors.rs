//! Why there is no token, in words that say what to do.

use crate::azure::error::{ApiError, AzureService, FailureKind};
use crate::azure::refusal;

/// Name of the operation where there is no request to name.
pub(super) const TRIED: &str = "sign-in";

pub(super) fn no_token(why: String) -> ApiError {
    failed(FailureKind::NoToken { why })
}

fn failed(failure: FailureKind) -> ApiError {
    ApiError {
        service: AzureService::Entra,
        tried: TRIED.to_owned(),
        failure,
        correlation_id: None,
        sign_in: Vec::new(),
        challenge: None,
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
        Some(said) => by_az(said.trim()),
        None => no_token(text.to_owned()),
    }
}

/// Returns the error from az, in one sentence.
fn by_az(said: &str) -> ApiError {
    if said.contains("not found on PATH") {
        let why = "The Azure CLI (az) isn't installed, or isn't on PATH.";
        return with_a_way(why, "Install the Azure CLI: https://aka.ms/azure-cli");
    }
    if said.contains("expires_on") && said.contains("newer") {
        let why =
            "The Azure CLI is too old: expires_on is missing from its output. Version 2.54.0 or later is required.";
        return with_a_way(why, "az upgrade (or install a newer version: https://aka.ms/azure-cli)");
    }
    // A parser's words, which may quote what it read.
    if said.contains(" at line ") && said.contains(" column ") {
        let why = "The Azure CLI returned no token: its output is not the expected JSON.";
        return with_a_way(
            why,
            "Check its output (az account show), and whether az is a custom script.",
        );
    }
    if let Some(code) = refusal::aadsts(said) {
        let from = said.find(&code).unwrap_or_default();
        let line = said[from..].lines().next().unwrap_or_default();
        // Entra answers 400 to az, which does not pass the number on.
        return failed(FailureKind::Refused {
            status: 400,
            code,
            message: masked(&refusal::sentence(line)),
            details: Vec::new(),
            retry_after: None,
        });
    }
    if said.contains("az login") || said.contains("az account set") {
        return no_token("The Azure CLI is not signed in.".to_owned());
    }
    let line = said
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("no reason was given");
    let line = line.strip_prefix("ERROR: ").unwrap_or(line);
    no_token(format!("The Azure CLI returned no token: {}", masked(line)))
}

/// An error with a remedy for az, and the way around it.
fn with_a_way(why: &str, remedy: &str) -> ApiError {
    ApiError {
        sign_in: vec![
            remedy.to_owned(),
            "Or sign in without az, with a code that you enter in a browser: --auth device-code".to_owned(),
        ],
        ..no_token(why.to_owned())
    }
}

/// Returns whether az refuses to be told a tenant: "Tenant shouldn't be specified for Cloud Shell account".
pub(super) fn takes_no_tenant(error: &ApiError) -> bool {
    matches!(&error.failure, FailureKind::NoToken { why } if why.contains("Tenant shouldn't be specified"))
}

/// The text without what looks like a token.
fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("eyJ") {
        out.push_str(&rest[..at]);
        out.push_str("[redacted]");
        let token = |c: char| c.is_ascii_alphanumeric() || "-_.=+/".contains(c);
        rest = rest[at..].trim_start_matches(token);
    }
    out + rest
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
            ("az not found on PATH", "isn't installed"),
            ("ERROR: Please run 'az login' to setup account.\n", "not signed in"),
            (
                "ERROR: No module named 'x'\nTraceback …",
                "returned no token: No module named 'x'",
            ),
            ("", "no reason was given"),
            (
                "ERROR: bad token eyJhbGciOi.eyJz-_.sig!",
                "returned no token: bad token [redacted]!",
            ),
            (
                "invalid type: string \"eyJs\", expected i64 at line 1 column 2",
                "not the expected JSON",
            ),
            (
                "expires_on field not found. Please use Azure CLI 2.54.0 or newer.",
                "too old",
            ),
        ];
        for (said, expected) in table {
            let error = az(said);
            let message = error.message();
            assert!(message.contains(expected), "{said}: {message}");
            assert!(!message.contains("aka.ms") && !message.contains('\n'), "{message}");
            assert!(!message.contains("eyJ"), "{message}");
            assert!(matches!(error.failure, FailureKind::NoToken { .. }));
        }
    }

    #[test]
    fn az_error_yields_entra_code() {
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
    fn library_error_drops_advertisement() {
        let text =
            "ManagedIdentityCredential authentication failed. no identity\nTo troubleshoot, visit https://aka.ms/x";
        let error = explain(&Error::with_message(ErrorKind::Credential, text));
        assert_eq!(
            error.message(),
            "ManagedIdentityCredential authentication failed. no identity"
        );
    }
}
