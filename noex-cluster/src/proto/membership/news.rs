//! Pure: the machine's part that hears from members, and of members, and tells others on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::NodeDownReason;

use super::machine::Machine;
use super::message::{
    Facts, Life, Message, NEWS_MAX, News, RECORDS_MAX, REPORTS_MAX, Record, Report, Standing,
};
use super::outbox::Item;
use super::output::{Output, SessionId};
use super::rings::Slot;

/// The most by which an incarnation that is told of exceeds the one that is known: the
/// milliseconds of almost nine thousand years.
const LEAP_MAX: u64 = 1 << 48;

impl Machine {
    /// Authenticated bytes came from a peer.
    pub(super) fn heard(&mut self, session: SessionId, now: Instant) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.heard_at = now;
        }
    }

    pub(super) fn message(&mut self, session: SessionId, message: Message, now: Instant) {
        self.heard(session, now);
        let Some(slot) = self.sessions.get(session).map(|session| session.slot) else {
            return;
        };
        match message {
            Message::Heartbeat(facts) => self.heartbeat(slot, facts, now),
            Message::Ping => self.send(session, Message::Pong),
            Message::Pong => self.pong(slot),
            Message::Ask { about } => self.asked_about(session, about, now),
            Message::Seen { who } => self.seen(who, now),
            Message::Unseen { who } => self.unseen(who, now),
            Message::News(news) => {
                for news in news.iter().take(NEWS_MAX) {
                    self.news(session, news, now);
                }
            }
            Message::State(state) => {
                for record in state.records.iter().take(RECORDS_MAX) {
                    self.merge_record(record, Some(session), now);
                }
                if state.is_question {
                    self.answer_state(session, now);
                }
            }
            Message::Rest => self.asked_to_rest(session, now),
            Message::Rested => self.rest_confirmed(session, now),
            Message::Digest(digest) => {
                for report in digest.reports.iter().take(REPORTS_MAX) {
                    self.rumour(*report, now);
                }
                self.compare(session, &digest, now);
            }
        }
    }

    fn heartbeat(&mut self, slot: Slot, facts: Facts, now: Instant) {
        let Some(member) = self.members.get(slot) else {
            return;
        };
        let (peer, age) = (member.peer().clone(), Duration::ZERO);
        let creation = peer.creation;
        self.emit(Output::Facts { peer, facts, age });
        let report = Report {
            creation,
            facts,
            age,
        };
        self.rumours.add(report, now);
    }

    fn rumour(&mut self, report: Report, now: Instant) {
        let Some((_, member)) = self.members.by_life(report.creation) else {
            return;
        };
        let (peer, facts, age) = (member.peer().clone(), report.facts, report.age);
        self.emit(Output::Facts { peer, facts, age });
        self.rumours.add(report, now);
    }

    fn news(&mut self, from: SessionId, news: &News, now: Instant) {
        match news {
            News::Up(record) => self.merge_record(record, Some(from), now),
            News::Left(life) if self.is_of_known(*life) => self.left(*life, Some(from), now),
            News::Down(life) if self.is_of_known(*life) => {
                self.reported_down(*life, Some(from), now);
            }
            News::Vote(vote) if self.is_of_known(vote.suspect) => self.voted(*vote, from, now),
            News::Left(_) | News::Down(_) | News::Vote(_) => {}
            News::Heard(life) => self.vouched(*life, from, now),
            News::Present(creation) => self.present(*creation, Some(from), now),
        }
    }

    /// Whether somebody can have got this incarnation from the life itself, or from its clock. It
    /// would have none left to show that it lives, if whoever is let in could use them up at once.
    fn is_credible(&self, life: Life, known: Option<u64>) -> bool {
        let is_own = life.creation == self.own.peer.creation;
        let known = if is_own {
            Some(self.incarnation)
        } else {
            known
        };
        life.incarnation.saturating_sub(known.unwrap_or(0)) <= LEAP_MAX
    }

    fn is_of_known(&self, life: Life) -> bool {
        let member = self.members.by_life(life.creation);
        self.is_credible(life, member.map(|(_, member)| member.incarnation))
    }

    /// Takes in what a peer knows of a member.
    pub(super) fn merge_record(&mut self, record: &Record, from: Option<SessionId>, now: Instant) {
        let life = record.life();
        let member = self.members.by_life(life.creation);
        let member = member.or_else(|| self.members.by_id(&record.who.peer.id));
        if !self.is_credible(life, member.map(|(_, member)| member.incarnation)) {
            return;
        }
        if record.who.peer.id == self.own.peer.id {
            return self.told_of_ourselves(record, now);
        }
        match record.standing {
            Standing::Up => self.told_up(record, from, now),
            Standing::Down => self.reported_down(life, from, now),
            Standing::Left => self.left(life, from, now),
        }
    }

    /// We are told to be down, or of another life of this node. We show that we live, and that we
    /// are the later one: once for each other life, which may be a live node of our identity and
    /// do the same.
    fn told_of_ourselves(&mut self, record: &Record, now: Instant) {
        let life = record.life();
        let is_own = life.creation == self.own.peer.creation;
        let is_news = if is_own {
            record.standing != Standing::Up
        } else {
            self.outbid.replace(life.creation) != Some(life.creation)
        };
        if is_news {
            self.refute(life.incarnation, now);
        }
    }

    /// A member is told to be up. A higher incarnation than the one we know is its own word, and
    /// clears it of all suspicion; one that is down in an incarnation is not up in the same one.
    fn told_up(&mut self, record: &Record, from: Option<SessionId>, now: Instant) {
        let is_known = self
            .members
            .slot_of_life(record.who.peer.creation)
            .is_some();
        if !is_known
            && let Some((slot, member)) = self.members.by_id(&record.who.peer.id)
            && member.is_up()
        {
            return self.told_of_other_life(slot, record, from, now);
        }
        let Some(slot) = self.slot_for(record, now) else {
            return;
        };
        let Some(member) = self.members.get(slot) else {
            return;
        };
        if member.contradicts(record.who.key) {
            return;
        }
        let (is_up, known) = (member.is_up(), member.incarnation);
        if is_up && record.incarnation > known {
            self.raise(slot, record.incarnation, now);
            self.cleared(slot, now);
        } else if !is_up && (!is_known || record.incarnation > known) {
            if is_known {
                self.sync.returned(now);
            }
            self.come_up(slot, record.incarnation, now);
        } else {
            return;
        }
        self.outbox.push(News::Up(record.clone()), from);
    }

    /// A node of which one life is up is told to be up in another. The earlier one of the two has
    /// ended, or there are two live nodes of one identity: it has an interval to show that it
    /// lives, once for each other life. It may have nobody left to vote against it: those who
    /// observed it may have let the other one in.
    fn told_of_other_life(
        &mut self,
        slot: Slot,
        record: &Record,
        from: Option<SessionId>,
        now: Instant,
    ) {
        let Some(member) = self.members.get_mut(slot) else {
            return;
        };
        let (known, told) = (member.life(), record.life());
        if !told.is_later_than(known) {
            if let Some(from) = from {
                let news = vec![News::Down(told)];
                self.send(from, Message::News(Arc::new(news)));
            }
            return;
        }
        let successor = member.successor.as_ref().map(|successor| successor.life());
        if successor.is_some_and(|successor| !told.is_later_than(successor)) {
            return;
        }
        member.successor = Some(Box::new(record.clone()));
        // Its node may be the one that is told: then it raises itself above this.
        self.outbox.push(News::Up(record.clone()), from);
        if successor.is_none_or(|successor| successor.creation != told.creation) {
            self.reported_down(known, None, now);
        }
    }

    /// Somebody holds a member for down. If we do not, the member is told of it, and has one
    /// interval to show that it lives.
    fn reported_down(&mut self, life: Life, from: Option<SessionId>, now: Instant) {
        if life.creation == self.own.peer.creation {
            return self.refute(life.incarnation, now);
        }
        let Some((slot, member)) = self.members.by_life(life.creation) else {
            return;
        };
        if !member.is_up() || life.incarnation < member.incarnation {
            return;
        }
        if self.rules.flaw.merges_downs() {
            return self.go_down(slot, NodeDownReason::HeartbeatTimeout, now);
        }
        if self.reports.contains_key(&life.creation) {
            return;
        }
        let due = now + self.rules.heartbeat_interval;
        self.reports.insert(life.creation, (life.incarnation, due));
        self.outbox.push(News::Down(life), from);
    }

    /// Believes the reports of downs that nobody refuted.
    pub(super) fn check_reports(&mut self, now: Instant) {
        let due = self.reports.extract_if(.., |_, (_, due)| *due <= now);
        let due: Vec<_> = due.collect();
        for (creation, (incarnation, _)) in due {
            if let Some((slot, member)) = self.members.by_life(creation)
                && member.is_up()
                && member.incarnation <= incarnation
            {
                self.go_down(slot, self.suspected_reason(creation, now), now);
            }
        }
    }

    /// A member said goodbye, to us or to others.
    pub(super) fn left(&mut self, life: Life, from: Option<SessionId>, now: Instant) {
        if life.creation == self.own.peer.creation {
            return self.refute(life.incarnation, now);
        }
        let Some((slot, member)) = self.members.by_life(life.creation) else {
            return;
        };
        if life.incarnation < member.incarnation {
            return;
        }
        match member.standing {
            Standing::Up => {
                self.outbox.push(News::Left(life), from);
                self.go_down(slot, NodeDownReason::GracefulShutdown, now);
            }
            Standing::Down => {
                if let Some(member) = self.members.get_mut(slot) {
                    member.stand(Standing::Left, now);
                }
                self.lost.remove(&slot);
                self.links.give_up(slot);
            }
            Standing::Left => {}
        }
    }

    /// Sends the news that is due over the rings.
    pub(super) fn flush(&mut self, now: Instant) {
        let items = self.outbox.take_due(now);
        self.flood(&items, now);
    }

    /// Sends news to everybody in reach but who told it.
    pub(super) fn flood(&mut self, items: &[Item], now: Instant) {
        if items.is_empty() {
            return;
        }
        let sources: BTreeSet<SessionId> = items.iter().filter_map(|item| item.from).collect();
        let all: Vec<News> = items.iter().map(|item| item.news.clone()).collect();
        let all: Vec<Arc<Vec<News>>> = all.chunks(NEWS_MAX).map(|c| Arc::new(c.to_vec())).collect();
        for session in self.flood_sessions(now) {
            if !sources.contains(&session) {
                for news in &all {
                    self.send(session, Message::News(Arc::clone(news)));
                }
                continue;
            }
            let others = items.iter().filter(|item| item.from != Some(session));
            let others: Vec<News> = others.map(|item| item.news.clone()).collect();
            for news in others.chunks(NEWS_MAX) {
                self.send(session, Message::News(Arc::new(news.to_vec())));
            }
        }
    }

    /// Where news goes: to the neighbours, in both directions of the rings, and over the edges
    /// that a meeting made.
    fn flood_sessions(&self, now: Instant) -> BTreeSet<SessionId> {
        let neighbours = self.neighbours.slots();
        let neighbours = neighbours.filter_map(|slot| self.members.get(slot)?.session);
        let edges = self.edges.iter().filter(|(_, until)| **until > now);
        neighbours
            .chain(edges.map(|(session, _)| *session))
            .collect()
    }

    pub(super) fn send(&mut self, session: SessionId, message: Message) {
        self.emit(Output::Send { session, message });
    }
}
