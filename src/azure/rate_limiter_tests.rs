use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{join, join_all};
use http::{Request, Response};
use serde_json::json;

use super::super::error::AzureService;
use super::super::request_sender::{AllowedHosts, NoticeWhy, RequestSender, WireNotice};
use super::super::testing::{ScriptedAnswer, answer, json as json_answer};
use super::super::transport::HttpTransport;
use super::*;

const ID: &str = "11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01";
const OTHER: &str = "22e1c7b3-75b7-4a1c-9e3f-4b6081da2f12";

/// Notes what arrives, and answers by a rule that is given its number, from 1, and its method and path.
struct World<R> {
    rule: R,
    began: Instant,
    /// Time that a response takes.
    takes: Duration,
    sent: Sent,
}

/// Requests that were sent: the time in milliseconds from the start, and method and path.
type Sent = Arc<Mutex<Vec<(u64, String)>>>;

impl<R> std::fmt::Debug for World<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

#[async_trait]
impl<R: Fn(usize, &str) -> ScriptedAnswer + Send + Sync> HttpTransport for World<R> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let at = u64::try_from(self.began.elapsed().as_millis()).unwrap();
        let line = format!("{} {}", request.method(), request.uri().path());
        let number = {
            let mut sent = self.sent.lock().unwrap();
            sent.push((at, line.clone()));
            sent.len()
        };
        let answer = (self.rule)(number, &line);
        match self.takes.is_zero() {
            // As on a network, others run meanwhile.
            true => tokio::task::yield_now().await,
            false => tokio::time::sleep(self.takes).await,
        }
        answer
    }
}

/// A world that answers by this rule, each time after so many milliseconds; a way there, and what arrives.
fn slow_world(
    takes: u64,
    rule: impl Fn(usize, &str) -> ScriptedAnswer + Send + Sync + 'static,
) -> (RequestSender, Sent) {
    let sent = Sent::default();
    let world = World {
        rule,
        began: Instant::now(),
        takes: ms(takes),
        sent: Arc::clone(&sent),
    };
    let hosts = ["https://management.azure.com", "https://graph.microsoft.com"];
    let hosts = hosts.map(|host| host.parse().unwrap());
    let hosts = hosts.iter().collect::<AllowedHosts>();
    let hosts = hosts.and_vendor(&"https://vendor.test".parse().unwrap());
    (RequestSender::new(Arc::new(world), hosts), sent)
}

fn world(rule: impl Fn(usize, &str) -> ScriptedAnswer + Send + Sync + 'static) -> (RequestSender, Sent) {
    slow_world(0, rule)
}

fn fine(_: usize, _: &str) -> ScriptedAnswer {
    answer(200, &[], "{}")
}

fn call(method: &str, path: &str) -> ApiCall {
    let url = format!("https://management.azure.com{path}").parse().unwrap();
    ApiCall::new(AzureService::Arm, method.parse().unwrap(), url)
}

fn read(subscription: &str, name: usize) -> ApiCall {
    call("GET", &format!("/subscriptions/{subscription}/resourceGroups/{name}"))
}

async fn all(wire: &RequestSender, calls: impl IntoIterator<Item = ApiCall>) {
    let sends = calls.into_iter().map(|call| {
        let wire = wire.clone();
        tokio::spawn(async move { wire.send(call).await })
    });
    for reply in join_all(sends).await {
        assert!(reply.unwrap().unwrap().is_success());
    }
}

fn times(sent: &Sent) -> Vec<u64> {
    sent.lock().unwrap().iter().map(|(at, _)| *at).collect()
}

fn told(wire: RequestSender) -> (RequestSender, Arc<Mutex<Vec<WireNotice>>>) {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&notices);
    let tell = move |notice| note.lock().unwrap().push(notice);
    (wire.with_observer(Arc::new(tell)), notices)
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_releases_reads_in_order() {
    let (wire, sent) = world(fine);
    let (wire, notices) = told(wire);
    all(&wire, (0..500).map(|name| read(ID, name))).await;
    let at = |name: u64| 50 * name.saturating_sub(199);
    let expected: Vec<(u64, String)> = (0..500)
        .map(|name| (at(name), format!("GET /subscriptions/{ID}/resourceGroups/{name}")))
        .collect();
    for (at, (sent, expected)) in sent.lock().unwrap().iter().zip(&expected).enumerate() {
        assert_eq!(sent, expected, "the {at}th");
    }
    assert_eq!(times(&sent).last(), Some(&15_000));
    // They are told once, when it is known how long it takes.
    let notices = notices.lock().unwrap();
    let why = NoticeWhy::Budget(format!("reads in subscription {ID}"));
    assert_eq!((notices.len(), &notices[0].why), (1, &why));
    assert_eq!((notices[0].wait, notices[0].asked), (ms(15_000), false));
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_usual_run_never_waits() {
    let (wire, sent) = world(fine);
    let (wire, notices) = told(wire);
    let calls = (0..40).map(|name| read(ID, name)).chain((0..20).map(|name| {
        let vnet = format!("/subscriptions/{ID}/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/{name}");
        call("PUT", &vnet)
    }));
    all(&wire, calls).await;
    assert_eq!(times(&sent), vec![0; 60]);
    assert!(notices.lock().unwrap().is_empty());
}

/// Returns the time of the last request whose method and path start with `start`.
fn last(sent: &Sent, start: &str) -> u64 {
    let sent = sent.lock().unwrap();
    let of = sent.iter().filter(|(_, line)| line.starts_with(start));
    of.map(|(at, _)| *at).max().unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_budget_is_its_own() {
    let other = format!("/subscriptions/{OTHER}/resourceGroups/");
    let group = format!("/subscriptions/{ID}/resourceGroups/");
    let vnet = format!("/subscriptions/{ID}/providers/Microsoft.Network/virtualNetworks/");
    // What is sent besides 1,000 reads of a subscription, and when the last of it leaves.
    for (method, path, count, at) in [
        ("GET", other.as_str(), 200, 0),
        ("GET", "/tenants/", 200, 0),
        ("PUT", &group, 160, 0),
        ("DELETE", &group, 161, 125),
        // What changes networks: 400, and what came back meanwhile.
        ("PUT", &vnet, 400, 30_000),
        ("DELETE", &vnet, 600, 150_000),
    ] {
        let (wire, sent) = world(fine);
        let calls = (0..count).map(|name| call(method, &format!("{path}{name}")));
        all(&wire, (0..1_000).map(|name| read(ID, name)).chain(calls)).await;
        assert_eq!(
            last(&sent, &format!("{method} {path}")),
            at,
            "{count} × {method} {path}"
        );
        assert_eq!(last(&sent, &format!("GET {group}")), 40_000);
    }
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_resource_graph_awaits_period() {
    const PATH: &str = "/providers/Microsoft.ResourceGraph/resources";
    let query = || call("POST", PATH).reads();
    let expect = |counts: [usize; 3]| -> Vec<u64> {
        let periods = [0, 5_000, 10_000].into_iter().zip(counts);
        periods.flat_map(|(at, count)| vec![at; count]).collect()
    };
    let (wire, sent) = world(fine);
    all(&wire, (0..30).map(|_| query())).await;
    assert_eq!(times(&sent), expect([12, 12, 6]));

    // Somebody else has used some of it: the answers say how many are left, and until when.
    let (wire, sent) = world(|number, _| {
        let left = 7_usize.saturating_sub(number).to_string();
        let resets = if number > 7 {
            ("x-other", "")
        } else {
            ("x-ms-user-quota-remaining", left.as_str())
        };
        answer(200, &[resets, ("x-ms-user-quota-resets-after", "00:00:05")], "{}")
    });
    for _ in 0..12 {
        all(&wire, [query()]).await;
    }
    assert_eq!(times(&sent), expect([7, 5, 0]));
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_refusal_pauses_one_budget() {
    let group = |id: &str| format!("/subscriptions/{id}/resourceGroups/g");
    let (wire, sent) = world(|number, line| match number {
        1 => answer(429, &[("retry-after", "7")], ""),
        _ => fine(number, line),
    });
    let (wire, notices) = told(wire);
    let late = |method: &str, path: &str| {
        let (wire, call) = (wire.clone(), call(method, path));
        async move {
            tokio::time::sleep(ms(2_000)).await;
            assert!(wire.send(call).await.unwrap().is_success());
        }
    };
    let first = all(&wire, [read(ID, 0)]);
    let (own, other) = (group(ID), group(OTHER));
    let others = join_all([
        late("GET", &own),
        late("GET", &own),
        late("PUT", &own),
        late("DELETE", &own),
        late("GET", &other),
        late("GET", "/tenants"),
    ]);
    join(first, others).await;
    let left = |at: u64| -> Vec<String> {
        let sent = sent.lock().unwrap();
        sent.iter()
            .filter(|(when, _)| *when == at)
            .map(|(_, line)| line.clone())
            .collect()
    };
    assert_eq!(
        left(2_000),
        [
            format!("PUT {own}"),
            format!("DELETE {own}"),
            format!("GET {other}"),
            "GET /tenants".to_owned()
        ]
    );
    assert_eq!(left(7_000).len(), 3);
    // One of them is told of the pause.
    let notices = notices.lock().unwrap();
    assert_eq!(
        (notices.len(), &notices[0].why, notices[0].wait),
        (1, &NoticeWhy::Status(429), ms(7_000))
    );
}

/// A bucket as Azure has them, that says what is left: so many at once, and so many more a second.
fn bucket(
    most: u32,
    refill: u32,
    says: impl Fn(u32) -> u32 + Send + Sync + 'static,
) -> impl Fn(usize, &str) -> ScriptedAnswer {
    let (began, level) = (Instant::now(), Mutex::new((most * 1_000, 0)));
    move |_, _| {
        let now = u32::try_from(began.elapsed().as_millis()).unwrap();
        let mut level = level.lock().unwrap();
        let came = (now - level.1) * refill;
        *level = ((level.0 + came).min(most * 1_000), now);
        let Some(left) = level.0.checked_sub(1_000) else {
            return answer(429, &[("retry-after", "1")], "");
        };
        level.0 = left;
        let left = says(left / 1_000).to_string();
        answer(200, &[("x-ms-ratelimit-remaining-subscription-reads", &left)], "{}")
    }
}

/// Returns the number of requests that were sent although nothing was left.
fn refused(wire: &RequestSender) -> u64 {
    wire.stats().retries
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_handles_smaller_bucket() {
    let honest = |left| left;
    // How much is there, how much comes back, how many are sent in each of how many waves.
    for (most, refill, wave, waves, takes) in [
        (20, 2, 12, 5, 40),
        (20, 2, 12, 5, 1_500),
        (12, 1, 10, 4, 300),
        (16, 25, 16, 40, 80),
        (30, 7, 1, 100, 10),
    ] {
        let (wire, sent) = slow_world(takes, bucket(most, refill, honest));
        for _ in 0..waves {
            all(&wire, (0..wave).map(|name| read(ID, name))).await;
        }
        let case = format!("{most}/{refill}, {waves} × {wave} of {takes} ms");
        assert_eq!(refused(&wire), 0, "{case}");
        // No more slowly than it refills, but for a second at the end, and for the ways of the waves.
        let sent = sent.lock().unwrap();
        let bound = (sent.len() - most as usize) as u64 * 1_000 / u64::from(refill);
        let last = sent.last().unwrap().0;
        assert!(last <= bound + 1_000 + takes * waves, "{case}: {last} ms of {bound} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_low_counts_only_delay() {
    // What is always said to be left, and how long a hundred take then, ten at a time.
    for (says, most) in [(0, 92_000), (1, 1_000), (5, 200), (9, 100)] {
        let (wire, sent) = slow_world(1, bucket(250, 25, move |_| says));
        for _ in 0..10 {
            all(&wire, (0..10).map(|name| read(ID, name))).await;
        }
        let last = *times(&sent).last().unwrap();
        assert_eq!((refused(&wire), sent.lock().unwrap().len()), (0, 100), "{says}");
        assert!(last <= most, "always {says}: {last} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_probes_after_refusal() {
    // Nothing is known yet when thirty leave together: fourteen are refused, and no more after that.
    let (wire, sent) = world(bucket(16, 4, |left| left));
    let (wire, notices) = told(wire);
    all(&wire, (0..30).map(|name| read(ID, name))).await;
    assert_eq!(refused(&wire), 14);
    let late: Vec<u64> = times(&sent).into_iter().filter(|at| *at > 0).collect();
    assert_eq!(
        late,
        [[1_000; 4], [2_000; 4], [3_000; 4]]
            .concat()
            .into_iter()
            .chain([4_000; 2])
            .collect::<Vec<_>>()
    );
    let why: Vec<NoticeWhy> = notices
        .lock()
        .unwrap()
        .iter()
        .map(|notice| notice.why.clone())
        .collect();
    assert_eq!(why[0], NoticeWhy::Status(429));
    assert!(why.len() <= 2, "{why:?}");
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_vendor_pause_covers_calls() {
    let vendor = AzureService::Vendor("Kong Konnect");
    for (service, host) in [
        (vendor, "https://vendor.test"),
        (AzureService::Graph, "https://graph.microsoft.com"),
    ] {
        let (wire, sent) = world(|number, line| match number {
            1..=3 => answer(429, &[("retry-after", "20")], ""),
            _ => fine(number, line),
        });
        let (wire, notices) = told(wire);
        let to = |name: usize| ApiCall::get(service, format!("{host}/v1/{name}").parse().unwrap());
        let later = async {
            tokio::time::sleep(ms(1_000)).await;
            all(&wire, (3..9).map(to).chain([read(ID, 9)])).await;
        };
        join(all(&wire, (0..3).map(to)), later).await;
        assert_eq!(
            times(&sent),
            [vec![0; 3], vec![1_000], vec![20_000; 9]].concat(),
            "{service}"
        );
        assert_eq!(last(&sent, "GET /subscriptions"), 1_000);
        assert_eq!(notices.lock().unwrap().len(), 1, "{service}");
    }
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_resource_wait_is_isolated() {
    let busy = json!({ "error": { "code": "RetryableError", "message": "A retryable error occurred." } });
    let group = format!("/subscriptions/{ID}/resourceGroups/g/providers");
    let network = |name: usize| call("PUT", &format!("{group}/Microsoft.Network/virtualNetworks/{name}"));
    let lock = call("PUT", &format!("{group}/Microsoft.Authorization/locks/1"));
    let after = |body: serde_json::Value| {
        move |number: usize, line: &str| match number {
            1 => json_answer(429, &body).map(|mut answer| {
                answer.headers_mut().insert("retry-after", "11".parse().unwrap());
                answer
            }),
            _ => fine(number, line),
        }
    };
    let (wire, sent) = world(after(busy));
    all(&wire, [network(0)].into_iter().chain((1..4).map(network))).await;
    assert_eq!(times(&sent), [0, 0, 0, 0, 11_000]);

    // A provider's own limit holds for the provider.
    let limit = json!({ "error": { "code": "ResourceRequestsThrottled", "message": "Please try again." } });
    let (wire, sent) = world(after(limit));
    let later = async {
        tokio::time::sleep(ms(1_000)).await;
        all(&wire, [network(1), lock, read(ID, 2)]).await;
    };
    join(all(&wire, [network(0)]), later).await;
    assert_eq!(times(&sent), [0, 1_000, 1_000, 11_000, 11_000]);
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_cancel_leaves_shared_queue() {
    let (wire, sent) = slow_world(400, fine);
    let clone = wire.also_to(&"http://127.0.0.1:4321/".parse().unwrap());
    let given_up = async {
        let many = join_all((0..400).map(|name| wire.send(read(ID, name))));
        tokio::time::timeout(ms(100), many).await.unwrap_err();
    };
    given_up.await;
    all(&clone, (0..3).map(|name| read(ID, name))).await;
    let late: Vec<u64> = times(&sent).into_iter().filter(|at| *at > 0).collect();
    assert_eq!(late, [50, 100, 150, 200, 250]);
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_wait_excluded_from_timeout() {
    // The last of 800 changes of networks leaves after five minutes, and is then told to wait for nearly ten.
    let (wire, sent) = world(|number, line| match line.ends_with("/799") && number < 802 {
        true => answer(503, &[("retry-after", "290")], ""),
        false => fine(number, line),
    });
    let vnets = format!("/subscriptions/{ID}/providers/Microsoft.Network/virtualNetworks");
    all(&wire, (0..800).map(|name| call("PUT", &format!("{vnets}/{name}")))).await;
    assert_eq!(times(&sent)[799..], [300_000, 590_000, 880_000]);
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_endless_refusals_end_together() {
    for (asked, most) in [
        (Some("300"), limits::CALL),
        (Some("7"), limits::CALL),
        (None, ms(120_000)),
    ] {
        let (wire, sent) = world(move |_, _| match asked {
            Some(seconds) => answer(429, &[("retry-after", seconds)], ""),
            None => answer(429, &[], ""),
        });
        let calls = join_all((0..12).map(|name| wire.send(read(ID, name))));
        let began = Instant::now();
        let statuses: Vec<u16> = calls.await.into_iter().map(|reply| reply.unwrap().status).collect();
        assert_eq!(statuses, [429; 12]);
        assert!(began.elapsed() <= most, "{asked:?}: {:?}", began.elapsed());
        assert!(times(&sent).len() <= 12 * limits::TRIES as usize, "{asked:?}");
    }
}
