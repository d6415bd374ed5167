//! What people see, and what keeps it safe (spec areas 3.6, 3.9 and 20). Real browsers have their stories in `browser`.

mod cookies;
mod crawl;
mod forms;
mod headers;
mod hostile;
mod login;
mod sign_up;
