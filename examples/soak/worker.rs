//! `Worker`: a server that does whatever may go wrong.

use std::collections::VecDeque;
use std::time::Duration;

use noex::prelude::*;
use noex::{Down, Pid, TimerRef};

use crate::token::Token;

/// How much a worker keeps of each kind.
const KEPT_MAX: usize = 16;

#[derive(Debug)]
pub(crate) struct Worker {
    _token: Token,
    sum: u64,
    kept: VecDeque<Token>,
    waiting: VecDeque<(Token, ReplyTo<u64>)>,
    timers: VecDeque<TimerRef>,
}

#[noex::server(local, vis = pub(crate))]
impl Worker {
    fn init(traps_exits: bool, cx: &mut Context<Self>) -> Self {
        cx.trap_exit(traps_exits);
        Self {
            _token: Token::new(),
            sum: 0,
            kept: VecDeque::new(),
            waiting: VecDeque::new(),
            timers: VecDeque::new(),
        }
    }

    #[call]
    fn add(&mut self, by: u64, token: Token) -> u64 {
        drop(token);
        self.sum = self.sum.wrapping_add(by);
        self.sum
    }

    /// Answers when somebody else asks for it, or never.
    #[call]
    fn later(&mut self, token: Token, reply: ReplyTo<u64>) {
        push(&mut self.waiting, (token, reply));
    }

    #[call]
    fn divide(&mut self, by: u64, token: Token) -> u64 {
        drop(token);
        self.sum / by
    }

    #[cast]
    fn answer(&mut self) {
        for (_token, reply) in self.waiting.drain(..) {
            reply.send(self.sum);
        }
    }

    #[cast]
    fn keep(&mut self, token: Token) {
        push(&mut self.kept, token);
    }

    /// The timer's message holds a token; the oldest timers are taken back.
    #[cast]
    fn set_timer(&mut self, delay: Duration, cx: &mut Context<Self>) {
        if self.timers.len() >= KEPT_MAX
            && let Some(oldest) = self.timers.pop_front()
        {
            cx.cancel_timer(oldest);
        }
        self.timers.push_back(cx.send_after(delay, Token::new()));
    }

    #[cast]
    fn link(&mut self, other: Pid, cx: &mut Context<Self>) {
        cx.link(other);
    }

    #[cast]
    fn monitor(&mut self, other: Pid, cx: &mut Context<Self>) {
        cx.monitor(other);
    }

    #[cast]
    fn end(&mut self, reason: ExitReason) -> Flow {
        Flow::Stop(reason)
    }

    #[info]
    fn tick(&mut self, token: Token) {
        push(&mut self.kept, token);
    }

    #[info]
    fn down(&mut self, down: Down) {
        drop(down);
        self.sum = self.sum.wrapping_add(1);
    }
}

fn push<T>(kept: &mut VecDeque<T>, one: T) {
    if kept.len() >= KEPT_MAX {
        kept.pop_front();
    }
    kept.push_back(one);
}
