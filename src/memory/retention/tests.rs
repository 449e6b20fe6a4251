//! Tests of retention: published figures, clocks that lie, orders that hold.

use super::trace::{GROWTH_MAX, RECENT};
use super::*;
use crate::memory::numbers::{Numbers, times};

const DAY_MS: u64 = 86_400_000;
/// A usual time: in the year 2024.
const NOW: u64 = 19_800 * DAY_MS;

const CURVES: [Curve; 8] = [
    Curve::None,
    Curve::Exponential { stability: 10.0 },
    Curve::Power { stability: 1.0, exponent: 0.5 },
    Curve::EBBINGHAUS,
    Curve::Savings { stretch: 1000.0 },
    Curve::ACT_R,
    Curve::FSRS_5,
    Curve::FSRS_6,
];

fn retention(curve: Curve) -> Retention {
    Retention::new(curve).unwrap()
}

/// What `curve` leaves of something that was learnt once, after `days`.
fn left(curve: Curve, days: f64) -> f64 {
    retention(curve).at(&Trace::new(NOW), NOW + (days * DAY) as u64)
}

/// A trace after uses at these times.
fn used(retention: &Retention, times: &[u64]) -> Trace {
    let mut trace = Trace::new(times[0]);
    for &time in &times[1..] {
        retention.reinforce(&mut trace, time);
    }
    trace
}

#[test]
fn ebbinghaus_is_met_within_four_points() {
    // Savings in per cent after minutes (Ebbinghaus 1885).
    let measured = [
        (19.0, 58.2),
        (63.0, 44.2),
        (525.0, 35.8),
        (1440.0, 33.7),
        (2.0 * 1440.0, 27.8),
        (6.0 * 1440.0, 25.4),
        (31.0 * 1440.0, 21.1),
    ];
    for (minutes, percent) in measured {
        let savings = 100.0 * left(Curve::EBBINGHAUS, minutes / 1440.0);
        assert!((savings - percent).abs() < 4.0, "{minutes} min: {savings} for {percent}");
    }
}

#[test]
fn no_exponential_meets_ebbinghaus() {
    let worst = |stability| {
        let off = |days: f64, percent: f64| {
            (100.0 * left(Curve::Exponential { stability }, days) - percent).abs()
        };
        off(19.0 / 1440.0, 58.2).max(off(1.0, 33.7)).max(off(31.0, 21.1))
    };
    for step in 0..60 {
        assert!(worst(1e-3 * 1.3_f64.powi(step)) > 15.0);
    }
}

#[test]
fn fsrs_leaves_ninety_per_cent_after_one_stability() {
    for decay in [0.05, 0.1, 0.1542, 0.2, 0.5, 1.0] {
        for stability in [1e-3, 0.212, 2.3065, 8.2956, 100.0, 36_500.0] {
            let left = left(Curve::Fsrs { stability, decay }, stability);
            assert!((left - 0.9).abs() < 1e-6, "w {decay}, S {stability}: {left}");
        }
    }
    // FSRS-4.5 and FSRS-5: (1 + 19/81 · t/S)^-0.5.
    let five = left(Curve::FSRS_5, 10.0 * 3.173);
    assert!((five - (1.0_f64 + 190.0 / 81.0).powf(-0.5)).abs() < 1e-6, "{five}");
}

#[test]
fn a_use_grows_stability_as_fsrs_says() {
    // S' = S·(1 + e^w8·(11 − D)·S^−w9·(e^(w10·(1−R)) − 1)) at R = 0.9, by hand.
    let retention = retention(Curve::FSRS_6);
    let mut trace = Trace::new(NOW);
    retention.reinforce(&mut trace, NOW + (2.3065 * DAY) as u64);
    let expected =
        1.0 + 1.8722_f64.exp() * 6.0 * 2.3065_f64.powf(-0.1666) * ((0.796_f64 * 0.1).exp() - 1.0);
    assert!((trace.growth() - expected).abs() < 1e-4, "{} for {expected}", trace.growth());
}

#[test]
fn power_and_exponential_are_what_they_say() {
    let power = Curve::Power { stability: 2.0, exponent: 0.7 };
    assert!((left(power, 6.0) - 4.0_f64.powf(-0.7)).abs() < 1e-12);
    assert!((left(Curve::Exponential { stability: 4.0 }, 4.0) - (-1.0_f64).exp()).abs() < 1e-12);
    assert_eq!(left(Curve::None, 1e6), 1.0);
}

#[test]
fn act_r_sums_recent_uses_exactly() {
    let seconds = [90_000.0_f64, 4000.0, 7.0];
    let retention = retention(Curve::ACT_R);
    let times = seconds.map(|age| NOW - (age * 1000.0) as u64);
    for uses in 1..=RECENT {
        let trace = used(&retention, &times[..uses]);
        let sum: f64 = seconds[..uses].iter().map(|age| age.powf(-0.5)).sum();
        let level = retention.strength(&trace, NOW).level;
        assert!((level - sum.ln()).abs() < 1e-12, "{uses}: {level}");
    }
    // Half of the single uses are recalled at the half-life, by what the setting means.
    assert!((left(Curve::ACT_R, 30.0) - 0.5).abs() < 1e-9);
}

#[test]
fn act_r_meets_the_closed_form_of_even_use() {
    // n even uses over a life L: B is about ln(n / (1 − d)) − d·ln L (Anderson & Lebiere 1998).
    let retention = retention(Curve::ACT_R);
    for uses in [10_u64, 100, 1000, 10_000] {
        let gap = 3_600_000;
        let times: Vec<u64> = (0..uses).map(|use_| NOW + use_ * gap).collect();
        let trace = used(&retention, &times);
        let now = NOW + uses * gap;
        let exact: f64 =
            times.iter().map(|time| ((now - time) as f64 / 1000.0).powf(-0.5)).sum::<f64>().ln();
        let closed = (uses as f64 / 0.5).ln() - 0.5 * ((uses * gap) as f64 / 1000.0).ln();
        let level = retention.strength(&trace, now).level;
        assert!((level - exact).abs() < 0.03, "{uses}: {level} for {exact}");
        // The closed form leaves out the peak after the last use: about ζ(½)-sized, less with n.
        assert!((level - closed).abs() < 0.8 / (uses as f64).sqrt(), "{uses}: {level} {closed}");
    }
}

#[test]
fn a_million_uses_keep_a_strict_order() {
    let schedules: [(&str, u64); 4] =
        [("at once", 0), ("each millisecond", 1), ("each hour", 3_600_000), ("each day", DAY_MS)];
    let uses = times(100_000, 1_000_000);
    for curve in CURVES {
        let retention = retention(curve);
        for (name, gap) in schedules {
            let later = NOW + 1_000_000 * gap + DAY_MS;
            let mut trace = Trace::new(NOW);
            let mut last = retention.strength(&trace, later);
            let mut left = retention.at(&trace, later);
            for use_ in 1..=uses as u64 {
                retention.reinforce(&mut trace, NOW + use_ * gap);
                let strength = retention.strength(&trace, later);
                assert!(strength > last, "{curve:?} {name}: use {use_}");
                let now_left = retention.at(&trace, later);
                // Rounding of the last digit is all that may fall.
                assert!(now_left >= left - 1e-12, "{curve:?} {name}: use {use_}");
                (last, left) = (strength, now_left);
            }
            assert_eq!(trace.uses() as usize, 1 + uses);
        }
    }
}

#[test]
fn using_two_at_once_keeps_their_order() {
    let mut numbers = Numbers::new(11);
    for round in 0..times(20_000, 400_000) {
        let curve = CURVES[round % CURVES.len()];
        let retention = retention(curve);
        let mut draw = || {
            let mut time = NOW;
            let mut trace = Trace::new(time);
            for _ in 0..numbers.below(6) {
                time += numbers.bits() >> (30 + numbers.below(30));
                retention.reinforce(&mut trace, time);
            }
            // Both were used last at the same time: who is stronger then stays so for ever.
            trace
        };
        let (mut a, mut b) = (draw(), draw());
        let last = a.last().max(b.last());
        retention.reinforce(&mut a, last);
        retention.reinforce(&mut b, last);
        let now = last + (numbers.bits() >> (28 + numbers.below(30)));
        if matches!(curve, Curve::BaseLevel { .. }) {
            continue;
        }
        let apart = |a: &Trace, b: &Trace, now| {
            retention.strength(a, now).level - retention.strength(b, now).level
        };
        let before = apart(&a, &b, now);
        retention.reinforce(&mut a, now);
        retention.reinforce(&mut b, now);
        let after = apart(&a, &b, now + DAY_MS);
        // Levels may round to one number; they must not change places.
        let kept = before.abs() < 1e-12 || after.abs() < 1e-12 || before.signum() == after.signum();
        assert!(kept, "{curve:?}: {before} {after}\n{a:?}\n{b:?}");
    }
}

#[test]
fn strength_and_retention_have_one_order() {
    let mut numbers = Numbers::new(12);
    for round in 0..times(50_000, 1_000_000) {
        let retention = retention(CURVES[round % CURVES.len()]);
        let mut draw = || {
            let mut trace = Trace::new(NOW - (numbers.bits() >> (24 + numbers.below(38))));
            for _ in 0..numbers.below(5) {
                let gap = (NOW - trace.last()) / (1 + numbers.below(9) as u64);
                let time = trace.last() + gap;
                retention.reinforce(&mut trace, time);
            }
            // A millisecond on: a clock tells nothing shorter.
            (retention.strength(&trace, NOW + 1), retention.at(&trace, NOW + 1))
        };
        let (a, b) = (draw(), draw());
        let (weaker, stronger) = if a.0 < b.0 { (a, b) } else { (b, a) };
        assert!(weaker.1 <= stronger.1 + 1e-12, "{weaker:?} {stronger:?}");
    }
}

#[test]
fn nothing_is_ever_nan_or_out_of_bounds() {
    let mut numbers = Numbers::new(13);
    let extreme = [
        Curve::Exponential { stability: 1e-6 },
        Curve::Power { stability: 1e-6, exponent: 10.0 },
        Curve::Power { stability: 1e6, exponent: 0.01 },
        Curve::Savings { stretch: 1e-3 },
        Curve::Savings { stretch: 1e6 },
        Curve::BaseLevel { decay: 0.05, half: 1e-6, noise: 0.01 },
        Curve::BaseLevel { decay: 0.95, half: 1e6, noise: 10.0 },
        Curve::Fsrs { stability: 1e-6, decay: 0.05 },
        Curve::Fsrs { stability: 1e6, decay: 1.0 },
    ];
    let curves: Vec<Curve> = CURVES.into_iter().chain(extreme).collect();
    for round in 0..times(20_000, 1_000_000) {
        let floor = [0.0, 1.0, numbers.share()][round % 3];
        let retention = retention(curves[round % curves.len()]).floor(floor).unwrap();
        let retention = retention.gain(5.0 * numbers.share()).unwrap();
        let mut trace = match numbers.below(4) {
            0 => Trace::default(),
            _ => Trace::new(numbers.time()),
        };
        for _ in 0..numbers.below(12) {
            retention.reinforce(&mut trace, numbers.time());
            let trace = trace.evergreen(numbers.below(4) == 0);
            assert_eq!(Trace::from_bytes(&trace.to_bytes()), Ok(trace));
            let now = numbers.time();
            let (left, strength) = (retention.at(&trace, now), retention.strength(&trace, now));
            assert!((floor..=1.0).contains(&left), "{retention:?} {trace:?} {now}: {left}");
            assert!(strength.level.is_finite(), "{retention:?} {trace:?} {now}: {strength:?}");
            assert!(trace.growth() >= 1.0 && trace.growth() <= GROWTH_MAX);
        }
    }
}

#[test]
fn a_restart_or_a_clock_that_jumps_changes_the_clock_alone() {
    for curve in CURVES {
        let retention = retention(curve);
        let mut trace = used(&retention, &[NOW, NOW + DAY_MS, NOW + 3 * DAY_MS]);
        let now = NOW + 40 * DAY_MS;
        let read = retention.at(&trace, now).to_bits();
        let kept = trace;
        // Reading under any clock writes nothing, and what was stored reads the same.
        for clock in [0, 1, NOW, NOW + DAY_MS, u64::MAX] {
            assert!(retention.at(&trace, clock).is_finite());
        }
        assert_eq!(trace, kept);
        let again = Trace::from_bytes(&trace.to_bytes()).unwrap();
        assert_eq!(retention.at(&again, now).to_bits(), read, "{curve:?}");
        // Before the last use, nothing has faded since.
        assert!(retention.at(&trace, 0) >= retention.at(&trace, trace.last()));
        // A use under a clock that stands back counts, and makes nothing older.
        retention.reinforce(&mut trace, 5);
        assert_eq!((trace.last(), trace.birth()), (kept.last(), kept.birth()));
        assert_eq!(trace.uses(), kept.uses() + 1);
        assert!(retention.strength(&trace, now) > retention.strength(&kept, now), "{curve:?}");
    }
}

#[test]
fn a_memory_without_times_does_not_fade() {
    for curve in CURVES {
        let retention = retention(curve);
        let mut trace = Trace::default();
        let fresh = retention.at(&trace, NOW);
        assert!(fresh > 0.99, "{curve:?}: {fresh}");
        retention.reinforce(&mut trace, 0);
        assert_eq!((trace.uses(), trace.last()), (1, 0));
        assert!(retention.at(&trace, NOW) >= fresh);
        retention.reinforce(&mut trace, NOW);
        assert_eq!((trace.uses(), trace.birth(), trace.last()), (2, NOW, NOW));
    }
}

#[test]
fn floors_hold_and_evergreens_stay() {
    for curve in CURVES {
        let retention = retention(curve).floor(0.25).unwrap();
        let trace = Trace::new(NOW);
        assert!(retention.at(&trace, u64::MAX) >= 0.25);
        let evergreen = trace.evergreen(true);
        assert_eq!(retention.at(&evergreen, u64::MAX), 1.0);
        let level = |now| retention.strength(&evergreen, now).level.to_bits();
        assert_eq!(level(NOW), level(u64::MAX));
        assert_eq!(evergreen.evergreen(false), trace);
    }
}

#[test]
fn spaced_uses_last_longer_than_massed_ones() {
    let spaced = [NOW, NOW + DAY_MS, NOW + 2 * DAY_MS, NOW + 3 * DAY_MS];
    let massed = [NOW + 3 * DAY_MS; 4];
    let (power, exponential) = (CURVES[2], CURVES[1]);
    for curve in [power, exponential, Curve::EBBINGHAUS, Curve::FSRS_5, Curve::FSRS_6] {
        let retention = retention(curve);
        let (spaced, massed) = (used(&retention, &spaced), used(&retention, &massed));
        let now = NOW + 33 * DAY_MS;
        let gain = retention.at(&spaced, now) - retention.at(&massed, now);
        assert!(gain > 0.01, "{curve:?}: {gain}");
    }
}

#[test]
fn numbers_out_of_bounds_are_refused() {
    let refused = [
        Curve::Exponential { stability: 0.0 },
        Curve::Exponential { stability: f64::NAN },
        Curve::Power { stability: 1.0, exponent: -1.0 },
        Curve::Power { stability: f64::INFINITY, exponent: 1.0 },
        Curve::Savings { stretch: 0.0 },
        Curve::BaseLevel { decay: 1.0, half: 1.0, noise: 1.0 },
        Curve::BaseLevel { decay: 0.5, half: 1.0, noise: 0.0 },
        Curve::Fsrs { stability: 1.0, decay: 0.0 },
    ];
    for curve in refused {
        assert!(matches!(Retention::new(curve), Err(Refused::OutOfRange { .. })), "{curve:?}");
    }
    assert!(Retention::default().floor(1.1).is_err() && Retention::default().gain(-0.1).is_err());
    assert!(Retention::default().floor(f64::NAN).is_err());
    assert!(Retention::default().is_off() && !retention(Curve::FSRS_6).is_off());
}

#[test]
fn damaged_traces_are_refused_or_harmless() {
    let mut numbers = Numbers::new(14);
    let sound = used(&retention(Curve::FSRS_6), &[NOW, NOW + DAY_MS]).to_bytes();
    let (mut refused, mut accepted) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = sound;
        for _ in 0..=numbers.below(3) {
            bytes[numbers.below(TRACE_BYTES)] = numbers.bits() as u8;
        }
        match Trace::from_bytes(&bytes) {
            Err(error) => {
                refused += 1;
                assert_eq!(error, Refused::DamagedTrace);
            }
            Ok(trace) => {
                accepted += 1;
                for curve in CURVES {
                    let left = retention(curve).at(&trace, numbers.time());
                    assert!((0.0..=1.0).contains(&left), "{trace:?}");
                }
            }
        }
    }
    assert!(refused > 5000 && accepted > 100, "{refused} {accepted}");
}
