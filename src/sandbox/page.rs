//! The look of the few pages that a browser sees.

use super::message::escape;

/// The page around `body`, which is HTML already.
pub(super) fn frame(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title><style>\
         body{{font:16px/1.5 system-ui,sans-serif;background:#f2f2f2;color:#1b1b1b;margin:0;padding:3rem 1rem}}\
         main{{background:#fff;max-width:34rem;margin:auto;padding:2.5rem;box-shadow:0 2px 6px #0003}}\
         h1{{font-size:1.5rem;margin:0 0 1rem}}h2{{font-size:1.1rem;margin:1rem 0 0}}\
         .who,.by,.note,footer{{color:#5c5c5c;font-size:.9rem}}\
         label{{display:block;margin:1rem 0}}input,textarea{{display:block;width:100%;padding:.4rem;font:inherit;box-sizing:border-box}}\
         button{{font:inherit;padding:.4rem 1.6rem;margin:1.5rem .5rem 0 0;border:1px solid #8c8c8c;background:#eee}}\
         .primary{{background:#0067b8;color:#fff;border-color:#0067b8}}td,th{{text-align:left;padding:.3rem 1rem .3rem 0}}\
         footer{{max-width:34rem;margin:1rem auto}}</style></head><body><main>{body}</main>\
         <footer>This is a rehearsal in the peerctl sandbox: nobody signs in here, and no real tenant is changed.</footer>\
         </body></html>",
        escape(title)
    )
}
