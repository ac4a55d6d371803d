//! One round of one contender: the latencies of its calls, its throughput and its CPU time.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::cpu;
use crate::rivals::{Candidate, Contender, Texts};
use crate::trail::{Arrival, Trail};

const WARM_UP: usize = 200;
const THREAD_WARM_UP: usize = 20;
const BURST: usize = 1_000;
const PACED: usize = 1_000;
const PACE: Duration = Duration::from_micros(200);
const SPARSE: usize = 50;
const SPARSE_PAUSE: Duration = Duration::from_millis(20);
const SUSTAINED: usize = 60_000;
const THREADS: usize = 2;

/// What a round measured. Times are nanoseconds per event on the thread that emits it.
pub struct Round {
    pub burst: Spread,
    pub paced: Spread,
    pub sparse: Spread,
    pub burst_two_threads: f64,
    /// Records per second, until the last is in the file.
    pub sustained: f64,
    pub sustained_two_threads: f64,
    /// Nanoseconds of all threads of the process, in the sustained run of one thread.
    pub cpu_per_record: f64,
}

pub struct Spread {
    pub mean: f64,
    pub p50: f64,
    pub p99: f64,
}

impl Round {
    /// Each figure's median, on its own.
    pub fn median(rounds: &[Round]) -> Round {
        let spread = |pick: fn(&Round) -> &Spread| Spread {
            mean: median_of(rounds, |round| pick(round).mean),
            p50: median_of(rounds, |round| pick(round).p50),
            p99: median_of(rounds, |round| pick(round).p99),
        };
        Round {
            burst: spread(|round| &round.burst),
            paced: spread(|round| &round.paced),
            sparse: spread(|round| &round.sparse),
            burst_two_threads: median_of(rounds, |round| round.burst_two_threads),
            sustained: median_of(rounds, |round| round.sustained),
            sustained_two_threads: median_of(rounds, |round| round.sustained_two_threads),
            cpu_per_record: median_of(rounds, |round| round.cpu_per_record),
        }
    }
}

fn median_of(rounds: &[Round], pick: impl Fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(pick).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Spread {
    fn of(mut nanoseconds: Vec<f64>) -> Spread {
        nanoseconds.sort_by(f64::total_cmp);
        let count = nanoseconds.len();
        Spread {
            mean: nanoseconds.iter().sum::<f64>() / count as f64,
            p50: nanoseconds[count / 2],
            p99: nanoseconds[count * 99 / 100],
        }
    }
}

/// Runs the contender in a directory of its own, and makes sure that it lost nothing.
pub fn round(candidate: &Candidate, texts: &Texts) -> Round {
    let directory = tempfile::tempdir().expect("a directory for the round");
    let contender = (candidate.open)(directory.path());
    let mut running = Running {
        contender: &*contender,
        texts,
        trail: Trail::of(candidate.name, directory.path()),
    };
    let mut alone = None;
    contender.within(&mut || alone = Some(running.on_one_thread()));
    let alone = alone.expect("the contender did the work");
    let round = Round {
        burst: alone.burst,
        paced: alone.paced,
        sparse: alone.sparse,
        sustained: alone.sustained,
        cpu_per_record: alone.cpu_per_record,
        burst_two_threads: running.burst_two_threads(),
        sustained_two_threads: running.sustained_two_threads(),
    };
    let mut trail = running.trail;
    contender.finish();
    trail.assert_no_more();
    round
}

struct Running<'a> {
    contender: &'a dyn Contender,
    texts: &'a Texts,
    trail: Trail,
}

struct Alone {
    burst: Spread,
    paced: Spread,
    sparse: Spread,
    sustained: f64,
    cpu_per_record: f64,
}

impl Running<'_> {
    fn on_one_thread(&mut self) -> Alone {
        self.emit_many(WARM_UP);
        self.settle(WARM_UP);
        let burst = Spread {
            mean: self.burst_mean(),
            ..self.timed(BURST, || ())
        };
        let mut next = Instant::now();
        let paced = self.timed(PACED, || {
            next += PACE;
            while Instant::now() < next {
                std::hint::spin_loop();
            }
        });
        let sparse = self.timed(SPARSE, || thread::sleep(SPARSE_PAUSE));
        let (sustained, cpu_per_record) = self.sustained();
        Alone {
            burst,
            paced,
            sparse,
            sustained,
            cpu_per_record,
        }
    }

    fn emit_many(&self, count: usize) {
        for _ in 0..count {
            self.contender.emit(self.texts);
        }
    }

    /// Without a look at the clock between the events.
    fn burst_mean(&mut self) -> f64 {
        let begun = Instant::now();
        self.emit_many(BURST);
        let mean = begun.elapsed().as_nanos() as f64 / BURST as f64;
        self.settle(BURST);
        mean
    }

    fn timed(&mut self, count: usize, mut pause: impl FnMut()) -> Spread {
        let times = (0..count)
            .map(|_| {
                pause();
                let begun = Instant::now();
                self.contender.emit(self.texts);
                begun.elapsed().as_nanos() as f64
            })
            .collect();
        self.settle(count);
        Spread::of(times)
    }

    fn sustained(&mut self) -> (f64, f64) {
        let cpu = cpu::of_process();
        let begun = Instant::now();
        self.emit_many(SUSTAINED);
        let arrival = self.settle(SUSTAINED);
        let cpu = arrival.cpu - cpu;
        (
            SUSTAINED as f64 / (arrival.at - begun).as_secs_f64(),
            cpu.as_nanos() as f64 / SUSTAINED as f64,
        )
    }

    fn burst_two_threads(&mut self) -> f64 {
        let (_, times) = self.on_threads(BURST);
        self.settle(THREADS * (THREAD_WARM_UP + BURST));
        let total: Duration = times.iter().sum();
        total.as_nanos() as f64 / (THREADS * BURST) as f64
    }

    fn sustained_two_threads(&mut self) -> f64 {
        let (begun, _) = self.on_threads(SUSTAINED / THREADS);
        let records = THREADS * THREAD_WARM_UP + SUSTAINED;
        let arrival = self.settle(records);
        SUSTAINED as f64 / (arrival.at - begun).as_secs_f64()
    }

    /// Lets every thread emit `count` events, all at once: when they began, and how long each
    /// took.
    fn on_threads(&self, count: usize) -> (Instant, Vec<Duration>) {
        let start = Barrier::new(THREADS);
        let work = || {
            let mut ran = None;
            self.contender.within(&mut || {
                self.emit_many(THREAD_WARM_UP);
                start.wait();
                let begun = Instant::now();
                self.emit_many(count);
                ran = Some((begun, begun.elapsed()));
            });
            ran.expect("the contender did the work")
        };
        let ran: Vec<(Instant, Duration)> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("an emitting thread ends"))
                .collect()
        });
        let begun = ran.iter().map(|(begun, _)| *begun).min();
        let times = ran.iter().map(|(_, took)| *took).collect();
        (begun.expect("there are threads"), times)
    }

    /// Waits until `records` records more are in the file.
    fn settle(&mut self, records: usize) -> Arrival {
        // A flush may wait for more than the file's content, for a sync for instance.
        thread::scope(|scope| {
            scope.spawn(|| self.contender.flush());
            self.trail.wait_for(records)
        })
    }
}
