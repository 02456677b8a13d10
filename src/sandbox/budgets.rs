//! Request limits of ARM for one principal, on the world's clock: buckets that refill, and Resource Graph's quota.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use uuid::Uuid;

/// Limits of the budgets. By default those that Azure documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetLimits {
    reads: TokenBucket,
    writes: TokenBucket,
    deletes: TokenBucket,
    queries: BudgetQuota,
}

/// So many requests at once, and so many more a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TokenBucket {
    most: u32,
    refill: u32,
}

/// So many queries in each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BudgetQuota {
    most: u32,
    period: Duration,
}

impl Default for BudgetLimits {
    fn default() -> Self {
        let changes = TokenBucket { most: 200, refill: 10 };
        Self {
            reads: TokenBucket { most: 250, refill: 25 },
            writes: changes,
            deletes: changes,
            queries: BudgetQuota {
                most: 15,
                period: Duration::from_secs(5),
            },
        }
    }
}

/// One limit other than Azure's, as in `reads=20/2`: a bucket of 20 that two a second come back into; or
/// `queries=15/5s`: 15 in each five seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetLimit(LimitOverride);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LimitOverride {
    Bucket(BudgetKind, TokenBucket),
    Queries(BudgetQuota),
}

impl FromIterator<BudgetLimit> for BudgetLimits {
    fn from_iter<I: IntoIterator<Item = BudgetLimit>>(limits: I) -> Self {
        let mut all = Self::default();
        for BudgetLimit(changed) in limits {
            match changed {
                LimitOverride::Bucket(BudgetKind::Reads, bucket) => all.reads = bucket,
                LimitOverride::Bucket(BudgetKind::Writes, bucket) => all.writes = bucket,
                LimitOverride::Bucket(BudgetKind::Deletes, bucket) => all.deletes = bucket,
                LimitOverride::Queries(quota) => all.queries = quota,
            }
        }
        all
    }
}

impl FromStr for BudgetLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "'{text}' is not a valid limit: {why}. Expected KIND=BUCKET/REFILL (requests at once, and \
                 more per second), such as 'reads=20/2', or 'queries=15/5s'."
            )
        };
        let (kind, amounts) = text.split_once('=').ok_or_else(|| wrong("'=' is missing"))?;
        let (most, rest) = amounts.split_once('/').ok_or_else(|| wrong("'/' is missing"))?;
        let number = |text: &str| text.trim().parse().ok().filter(|number| *number > 0);
        let most = number(most).ok_or_else(|| wrong("expected a number from 1 before '/'"))?;
        let kind = match kind.trim() {
            "reads" => BudgetKind::Reads,
            "writes" => BudgetKind::Writes,
            "deletes" => BudgetKind::Deletes,
            "queries" => {
                let period = humantime::parse_duration(rest.trim()).ok();
                let period = period.filter(|period| !period.is_zero() && *period <= LONGEST_PERIOD);
                let period = period.ok_or_else(|| wrong("expected a time up to an hour after '/', such as 5s"))?;
                return Ok(Self(LimitOverride::Queries(BudgetQuota { most, period })));
            }
            _ => return Err(wrong("the kinds are reads, writes, deletes and queries")),
        };
        let refill = number(rest).ok_or_else(|| wrong("expected a number from 1 after '/'"))?;
        Ok(Self(LimitOverride::Bucket(kind, TokenBucket { most, refill })))
    }
}

/// More than any quota's period, and short enough for `hh:mm:ss`.
const LONGEST_PERIOD: Duration = Duration::from_secs(60 * 60);

/// Kind of request that Azure counts separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum BudgetKind {
    Reads,
    Writes,
    Deletes,
}

impl BudgetKind {
    /// As headers name it.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Deletes => "deletes",
        }
    }

    /// As messages name it.
    pub(super) fn singular(self) -> &'static str {
        self.plural().trim_end_matches('s')
    }
}

/// Used budgets, with their times.
#[derive(Debug, Clone)]
pub(super) struct RateBudgets {
    limits: BudgetLimits,
    /// By principal (nobody: all together), by subscription or tenant, and by kind.
    levels: HashMap<(Option<Uuid>, Uuid, BudgetKind), BucketLevel>,
    /// Of Resource Graph: by principal, what is left and when the period ends.
    quotas: HashMap<Uuid, (u32, Duration)>,
}

/// Content of a bucket, in billionths of a request, and its time: exact on any clock.
#[derive(Debug, Clone, Copy)]
struct BucketLevel {
    content: u128,
    at: Duration,
}

const ONE: u128 = 1_000_000_000;

/// Outcome of an attempt to send one more request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BudgetOutcome {
    /// It may; so many are left, and so many for all principals together.
    One { left: u32, global: u32 },
    /// Nothing is left; the next is there after so many seconds.
    Nothing { seconds: u64 },
}

impl RateBudgets {
    pub(super) fn new(limits: BudgetLimits) -> Self {
        Self {
            limits,
            levels: HashMap::new(),
            quotas: HashMap::new(),
        }
    }

    /// One request of `principal` in a subscription or tenant.
    pub(super) fn spend(&mut self, now: Duration, principal: Uuid, scope: Uuid, kind: BudgetKind) -> BudgetOutcome {
        let own = match kind {
            BudgetKind::Reads => self.limits.reads,
            BudgetKind::Writes => self.limits.writes,
            BudgetKind::Deletes => self.limits.deletes,
        };
        let all = own.of_everybody();
        let keys = [(Some(principal), scope, kind), (None, scope, kind)];
        let buckets = [own, all];
        let level = |at: usize| buckets[at].filled(self.levels.get(&keys[at]), now);
        let [mut mine, mut everybodys] = [level(0), level(1)];
        let missing = own.seconds_to_one(mine).max(all.seconds_to_one(everybodys));
        if missing > 0 {
            return BudgetOutcome::Nothing { seconds: missing };
        }
        mine.content -= ONE;
        everybodys.content -= ONE;
        self.levels.extend(keys.into_iter().zip([mine, everybodys]));
        BudgetOutcome::One {
            left: mine.whole(),
            global: everybodys.whole(),
        }
    }

    /// One query of `principal`: what is left, where there was something, and the seconds until all of it is again.
    pub(super) fn query(&mut self, now: Duration, principal: Uuid) -> (Option<u32>, u64) {
        let BudgetQuota { most, period } = self.limits.queries;
        let quota = self.quotas.entry(principal).or_insert((most, now + period));
        if quota.1 <= now {
            *quota = (most, now + period);
        }
        let left = quota.0.checked_sub(1);
        quota.0 = left.unwrap_or(0);
        let seconds = (quota.1 - now).as_nanos().div_ceil(ONE);
        (left, seconds.try_into().unwrap_or(u64::MAX))
    }
}

impl TokenBucket {
    /// All principals together have fifteen times as much as each.
    fn of_everybody(self) -> Self {
        Self {
            most: self.most.saturating_mul(15),
            refill: self.refill.saturating_mul(15),
        }
    }

    fn filled(self, level: Option<&BucketLevel>, now: Duration) -> BucketLevel {
        let most = u128::from(self.most) * ONE;
        let content = level.map_or(most, |level| {
            let came = now.saturating_sub(level.at).as_nanos() * u128::from(self.refill);
            most.min(level.content.saturating_add(came))
        });
        BucketLevel { content, at: now }
    }

    /// Whole seconds until there is one; none where there is.
    fn seconds_to_one(self, level: BucketLevel) -> u64 {
        let missing = ONE.saturating_sub(level.content);
        let seconds = missing.div_ceil(u128::from(self.refill) * ONE);
        seconds.try_into().unwrap_or(u64::MAX)
    }
}

impl BucketLevel {
    fn whole(self) -> u32 {
        u32::try_from(self.content / ONE).unwrap_or(u32::MAX)
    }
}
