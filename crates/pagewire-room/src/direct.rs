//! A push socket that is opened without a browser.
