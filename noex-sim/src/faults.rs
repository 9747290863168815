//! The world's part that breaks things, and mends them.

use std::time::Duration;

use noex_cluster::sim::Input;

use crate::connection::EndIndex;
use crate::node::Condition;
use crate::world::World;

impl World {
    /// Kills the process on a host; the host goes on, and closes its connections.
    pub fn kill(&mut self, host: usize) {
        self.end(host);
        let ends: Vec<EndIndex> = self.nodes[host].ends.iter().copied().collect();
        for end in ends {
            self.close(host, end);
        }
    }

    /// Takes the power from a host.
    pub fn power_off(&mut self, host: usize) {
        self.paths.power_off(host);
        self.end(host);
    }

    fn end(&mut self, host: usize) {
        self.nodes[host].condition = Condition::Ended;
        self.nodes[host].inbox.clear();
        let life = self.nodes[host].life;
        self.truth.lives[life.0 as usize].ended_at = Some(self.now);
    }

    /// Has a node leave in order; its process ends when it is done with that.
    pub fn leave(&mut self, host: usize) {
        let life = self.nodes[host].life;
        self.truth.lives[life.0 as usize].left_at = Some(self.now);
        self.input(host, Input::Leave);
    }

    /// Ends the process of a node that has left.
    pub fn finish(&mut self, host: usize) {
        if self.nodes[host].condition != Condition::Ended {
            self.kill(host);
        }
    }

    /// Stops a process for a while; its host and its connections go on.
    pub fn pause(&mut self, host: usize) {
        if self.nodes[host].condition == Condition::Running {
            self.nodes[host].condition = Condition::Paused;
            self.silence(&[host]);
        }
    }

    /// Lets a process that was stopped go on: first it reads what came meanwhile.
    pub fn resume(&mut self, host: usize) {
        if self.nodes[host].condition != Condition::Paused {
            return;
        }
        self.nodes[host].condition = Condition::Running;
        for input in std::mem::take(&mut self.nodes[host].inbox) {
            self.input(host, input);
        }
        let now = self.local(host);
        let machine = &mut self.nodes[host].machine;
        if machine.poll_timeout().is_some_and(|at| at <= now) {
            machine.handle_timeout(now);
        }
        self.nodes[host].timer_at = None;
        self.mended(host);
        self.perform(host);
    }

    /// Nothing passes from one host to another.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.paths.cut(from, to);
        self.silence(&[from]);
    }

    /// Everything takes longer from one host to another.
    pub fn clog(&mut self, from: usize, to: usize, by: Duration) {
        self.paths.clog(from, to, by);
        self.silence(&[from]);
    }

    /// Splits the hosts: those listed don't reach the others.
    pub fn split(&mut self, apart: &[usize]) {
        let mut sides = vec![0; self.nodes.len()];
        for host in apart {
            sides[*host] = 1;
        }
        self.paths.split(sides);
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.silence(&all);
    }

    /// Loses this share of everything that is sent.
    pub fn lose(&mut self, share: f64) {
        self.paths.loss = share;
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.silence(&all);
    }

    /// Loses this share of everything that comes to a host.
    pub fn lose_ingress(&mut self, host: usize, share: f64) {
        self.paths.ingress.insert(host, share);
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.silence(&all);
    }

    /// Everything passes again.
    pub fn heal(&mut self) {
        self.paths.heal();
        self.resend_held();
        for host in 0..self.nodes.len() {
            if self.nodes[host].condition == Condition::Running {
                self.mended(host);
            }
        }
    }

    /// Has the clock of a node run at another rate.
    pub fn set_clock_rate(&mut self, host: usize, rate: f64) {
        self.nodes[host].rate = rate;
    }

    /// Breaks the connections between two hosts, which have open sessions.
    pub fn reset(&mut self, a: usize, b: usize) {
        let ends: Vec<EndIndex> = self.nodes[a].ends.iter().copied().collect();
        for end in ends {
            let other = &self.connections[end.connection()].ends[end.other().end()];
            if other.host == b {
                self.closed(end);
                self.closed(end.other());
            }
        }
    }

    /// From now on some can't be heard by others.
    fn silence(&mut self, hosts: &[usize]) {
        for host in hosts {
            let life = self.nodes[*host].life;
            let life = &mut self.truth.lives[life.0 as usize];
            if !life.is_silent(self.now, self.truth.patience) {
                life.silent_since = Some(self.now);
            }
            life.mended_at = None;
        }
    }

    /// What could not be heard can be heard again.
    fn mended(&mut self, host: usize) {
        let life = self.nodes[host].life;
        self.truth.lives[life.0 as usize].mended_at = Some(self.now);
    }
}
