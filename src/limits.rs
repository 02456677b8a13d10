//! Every bound on waiting, repeating and size, with its reason.

use std::time::Duration;

/// Time limit of a connection, including name resolution and TLS: a distant region behind a slow proxy needs a few
/// seconds, a dead address never answers.
pub const CONNECT: Duration = Duration::from_secs(15);

/// Time limit of one try of a request as a whole. ARM itself gives up on a synchronous request after 60 s.
pub const REQUEST: Duration = Duration::from_secs(60);

/// Time limit for getting one token. `az` starts a Python process and may call Entra twice.
pub const SIGN_IN: Duration = Duration::from_secs(90);

/// Time limit for entering a sign-in code. It equals the lifetime of Entra's codes.
pub const SIGN_IN_CODE: Duration = Duration::from_secs(15 * 60);

/// The largest answer that is read, in bytes. A page of 1,000 virtual networks with their peerings is some 10 MB.
pub const BODY: usize = 16 * 1024 * 1024;

/// The largest file that is read, in bytes: far more than anyone writes by hand.
pub const FILE: u64 = 16 * 1024 * 1024;

/// Tries of one call in all. With the waits below this is about a minute for a service that keeps answering 5xx.
pub const TRIES: u32 = 8;

/// Tries where no connection comes about: a restarting server is back within seconds, a wrong name never is, and
/// nobody should wait a minute to learn of a typing error.
pub const CONNECT_TRIES: u32 = 4;

/// Tries where no answer comes in time: each of them costs [`REQUEST`].
pub const TIMEOUT_TRIES: u32 = 3;

/// The wait before the first repetition; it doubles from there.
pub const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait of our own choosing.
pub const LONGEST_OWN_WAIT: Duration = Duration::from_secs(30);

/// The longest wait that a service may ask for. Microsoft.Network counts in windows of five minutes; who asks for more
/// (ARM's hourly limits) is answered with an error that says so, rather than with a program that seems to hang.
pub const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(5 * 60);

/// Time limit of one call with all its repetitions and waits, from its first try, or from when it began to wait behind
/// refusals. Waits that prevent a refusal don't count: a large job doesn't mean that the service is in trouble, and its
/// last request may be repeated like its first.
pub const CALL: Duration = Duration::from_secs(10 * 60);

/// Time before its end at which a token is replaced: a request that starts with it has to arrive and be carried out.
pub const TOKEN_MARGIN: Duration = Duration::from_secs(5 * 60);

/// Time for which a credential of the own application is given to further runs: it lives an hour, and has to last for
/// their work with it.
pub const CREDENTIAL_SHARED: Duration = Duration::from_secs(30 * 60);

/// Lifetime of a client assertion: long enough for clocks that differ, too short to be worth stealing.
pub const ASSERTION: Duration = Duration::from_secs(10 * 60);

/// Pages of one list: a `nextLink` that leads in a circle must end.
pub const PAGES: usize = 1_000;

/// Rows of one page of Resource Graph: the most that it gives.
pub const GRAPH_ROWS: usize = 1_000;

/// Subscriptions in one query of Resource Graph: the most that it takes.
pub const GRAPH_SUBSCRIPTIONS: usize = 1_000;

/// Virtual networks that a menu is filled with: some 10 MB, and far more than anybody scrolls through. Who has more
/// chooses a subscription first, or names the network.
pub const LISTED_VNETS: usize = 25_000;

/// Answers of a search for virtual networks that are read before anybody looks at it. They are a third of the fifteen
/// queries in five seconds that Resource Graph has for a person: the search that is wanted in the end has to have some.
pub const ANSWERS_AHEAD: usize = 4;

/// Lists that are read side by side where Resource Graph is not to be had: a third of what ARM refills per second.
pub const LISTS_AT_ONCE: usize = 8;

/// Object ids in one question to Graph: the most that it takes.
pub const OBJECTS: usize = 1_000;

/// Further tenants that are named where something is not seen: a guest of many finds the one that is meant in no long list.
pub const NAMED_TENANTS: usize = 3;

/// Tokens of further tenants in one request: the most that ARM takes.
pub const AUXILIARY: usize = 3;

/// The first wait for a long-running operation, where the service asks for none; it doubles from there. A peering is
/// written within a few seconds.
pub const FIRST_POLL: Duration = Duration::from_millis(500);

/// The longest wait of our own choosing between two looks at a long-running operation: what Microsoft.Network asks for.
pub const LONGEST_POLL: Duration = Duration::from_secs(10);

/// Time limit of a long-running operation in all. A peering takes seconds, or minutes where it waits for other writes
/// of the same network. An operation that takes longer continues unobserved.
pub const OPERATION: Duration = Duration::from_secs(15 * 60);

/// Requests that a run remembers for its record: an hour of waiting is a few hundred, and none of them takes more than
/// some 500 bytes.
pub const REQUEST_LOG_ENTRIES: usize = 10_000;

// Of budgets: how many requests Azure takes of one identity. Four fifths of what it documents: what else runs as the same
// identity needs some, and a request on its way is not where Azure counts it.

/// Reads at once in one subscription, or of the tenant: of a bucket of 250.
pub const READS: u32 = 200;

/// After what time one more read is to be had: twenty a second, of 25.
pub const READ_EVERY: Duration = Duration::from_millis(50);

/// Writes at once, and as many deletes: of a bucket of 200.
pub const WRITES: u32 = 160;

/// After what time one more write or delete is to be had: eight a second, of ten.
pub const WRITE_EVERY: Duration = Duration::from_millis(125);

/// Writes and deletes of Microsoft.Network at once in one subscription. It takes 1,000 in five minutes; half of our 800
/// at once and half by and by are never more, wherever its five minutes begin. Its 10,000 reads are more than Azure's own
/// budget gives.
pub const NETWORK_WRITES: u32 = 400;

/// After what time Microsoft.Network has one more of them: 400 in five minutes.
pub const NETWORK_WRITE_EVERY: Duration = Duration::from_millis(750);

/// Queries of Resource Graph in [`GRAPH_PERIOD`]: of 15.
pub const GRAPH_QUERIES: u32 = 12;

/// The period in which Resource Graph counts.
pub const GRAPH_PERIOD: Duration = Duration::from_secs(5);

/// After what time one request goes to see, where Azure's own count says that nothing is left: its slowest bucket has ten
/// again by then.
pub const LOOK_AFTER: Duration = Duration::from_secs(1);

/// The shortest wait for a budget that a person is told of: below it, nobody wonders.
pub const REPORTED_WAIT: Duration = Duration::from_millis(500);

/// After what time a person is told again that requests wait for the same budget.
pub const REPORTED_AGAIN: Duration = Duration::from_secs(60);

// Of steps, and of what people wait for.

/// Number of tries of a write that may not be repeated blindly, each after a check of the outcome of the last one.
pub const DOUBTFUL_TRIES: u32 = 3;

/// The first wait between two looks; each wait is half as long again, up to the longest.
pub const INITIAL_POLL_INTERVAL: Duration = Duration::from_millis(400);

/// The longest wait between two looks. Minutes pass in some waits: a look every ten seconds is soon enough, and far below any limit of Azure's.
pub const LONGEST_POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Time for which a reading may be relied on before it's repeated for a write that would replace it: longer than a run
/// without questions takes to get there, and shorter than any answer of a person.
pub const OBSERVATION_TTL: Duration = Duration::from_secs(5);

/// Time limit for a write to arrive everywhere. Azure documents up to ten minutes for a role assignment. A write that
/// hasn't arrived by this limit never will.
pub const REPLICATION: Duration = Duration::from_secs(15 * 60);

/// Time limit for readings that only the checks of a run use: longer than any of them takes, and short enough for a run
/// that could do without.
pub const PREFLIGHT: Duration = Duration::from_secs(20);

/// Networks behind peerings whose tenants are asked for; more peerings than these with other tenants are not usual.
pub const PEERED_TENANTS: usize = 20;

/// Security groups and route tables that are read. A network has at most 3,000 subnets; what stands around the first of them tells enough for a warning.
pub const MAX_SUBNET_LOOKUPS: usize = 50;

/// Network interfaces that a check reads, one by one: enough for a warning, and few beside the requests of a run.
pub const INTERFACES: usize = 25;

/// Subscriptions in which a role is looked for beyond its own: enough for most estates, and a second or two at most.
pub const ROLE_SUBSCRIPTIONS: usize = 200;

/// Reads of one kind in flight together; far below Azure's bucket of 250 reads.
pub const READS_AT_ONCE: usize = 16;

/// Time for which Azure may still count an assignment that was just removed, and Graph may not know an application that
/// was just created.
pub const COUNTED_STILL: Duration = Duration::from_secs(2 * 60);

/// The longest that a credential may live where nobody removes it.
pub const CREDENTIAL_LIFE: Duration = Duration::from_secs(60 * 60);

/// Time by which this machine's clock may be behind Azure's. Entra allows five minutes; beyond that, expired tokens
/// look valid here, and requests fail in the middle of a run.
pub const CLOCK_BEHIND: Duration = Duration::from_secs(5 * 60);

/// Time by which this machine's clock may be ahead. All times that Azure compares with its own clock are counted from
/// Azure's, so a wrong time zone does no harm; beyond a day, certificates look expired.
pub const CLOCK_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// Looks for a credential of this moment that is to be removed: three seconds in all; what comes later, the next run
/// removes.
pub const CREDENTIAL_LOOKS: u32 = 4;

/// Looks in a row that miss a credential which was listed before: then somebody removed it.
pub const MISSED_LOOKS: u32 = 2;

/// Renewals of a request, and of a credential that somebody removed: how often a vendor that failed for want of a role that is there now is asked again.
pub const MAX_VENDOR_RETRIES: u32 = 2;

/// Items of one page of Konnect's lists: its own maximum.
pub const KONNECT_PAGE: usize = 100;

/// Pages of one of Konnect's lists. More networks or transit gateways than any organisation may have: a list that goes on is a broken server.
pub const KONNECT_PAGES: usize = 100;

/// `--timeout` where it is not given: enough for Kong's usual 40 minutes.
pub const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// The longest `--timeout`. A run that waits longer is better started again.
pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// `status --watch`: the shortest and the longest wait between two looks. A look costs a dozen requests, and the vendors' work takes minutes: often enough to be told soon, and no more.
pub const WATCH: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(15)];

/// Time after which a wait counts as long, and a person is told that they can leave: most of Azure's replication is
/// over by then, and no vendor's work is.
pub const LONG_WAIT: Duration = Duration::from_secs(5);

/// Interval at which a wait reports in a log that it continues: a pipeline that is silent for long is taken for dead.
pub const PROGRESS_INTERVAL: Duration = Duration::from_secs(60);

/// Time limit for the cleanup of a run that is stopped: enough for a new token and the removal of a credential. A
/// second Ctrl-C ends it at once.
pub const CANCEL_CLEANUP_TIMEOUT: Duration = Duration::from_secs(15);

/// Time limit at the end of the program for tasks that are still under way: time to drop them, and too short to be
/// noticed.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(100);

/// Requests named in a ticket. Longer lists are in the record; a ticket names the requests that wrote or failed.
pub const TICKET_REQUESTS: usize = 200;
