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
            News::Left(life) => self.left(*life, Some(from), now),
            News::Down(life) => self.reported_down(*life, Some(from), now),
            News::Vote(vote) => self.voted(*vote, from, now),
            News::Heard(life) => self.vouched(*life, from, now),
            News::Present(creation) => self.present(*creation, Some(from), now),
        }
    }

    /// Takes in what a peer knows of a member.
    pub(super) fn merge_record(&mut self, record: &Record, from: Option<SessionId>, now: Instant) {
        let life = record.life();
        if record.who.peer.id == self.own.peer.id {
            let is_up = record.standing == Standing::Up;
            if life.creation == self.own.peer.creation && !is_up {
                self.refute(life.incarnation, now);
            }
            return;
        }
        match record.standing {
            Standing::Up => self.told_up(record, from, now),
            Standing::Down => self.reported_down(life, from, now),
            Standing::Left => self.left(life, from, now),
        }
    }

    /// A member is told to be up. A higher incarnation than the one we know is its own word, and
    /// clears it of all suspicion; one that is down in an incarnation is not up in the same one.
    fn told_up(&mut self, record: &Record, from: Option<SessionId>, now: Instant) {
        let is_known = self
            .members
            .slot_of_life(record.who.peer.creation)
            .is_some();
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

    /// Somebody holds a member for down. If we do not, the member is told of it, and has one
    /// interval to show that it lives.
    pub(super) fn reported_down(&mut self, life: Life, from: Option<SessionId>, now: Instant) {
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
                self.go_down(slot, NodeDownReason::HeartbeatTimeout, now);
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
