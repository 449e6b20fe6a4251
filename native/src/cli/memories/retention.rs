//! `ecphory retention`: how a space fades, shown and set.

use std::collections::BTreeMap;

use anyhow::{anyhow, ensure};
use clap::{Args, ValueEnum};
use ecphory_native::ecphory::memory::retention::{Curve, Retention};
use serde::Serialize;

use super::super::output::Output;
use super::Of;

#[derive(Args)]
pub(in super::super) struct Retain {
    #[command(flatten)]
    of: Of,

    /// How items are to fade from now on; only shown unless given.
    curve: Option<Shape>,

    #[command(flatten)]
    numbers: Numbers,
}

/// The curves, by the names that people call them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// Nothing fades.
    None,
    /// The same share in equal times; takes --stability.
    Exponential,
    /// The longer it was kept, the slower it goes; takes --stability and --exponent.
    Power,
    /// As Ebbinghaus forgot syllables; takes --stretch.
    Ebbinghaus,
    /// By all uses, how often and how long ago; takes --decay, --half and --noise.
    ActR,
    /// As flash cards are forgotten; takes --stability and --decay.
    Fsrs,
}

/// Numbers of curves, each for some of them.
#[derive(Args)]
struct Numbers {
    /// Days after which much is lost that was used once: exponential, 63 %; fsrs, 10 %.
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true, requires = "curve")]
    stability: Option<f64>,

    /// How steep a power is.
    #[arg(long, value_name = "X", allow_negative_numbers = true, requires = "curve")]
    exponent: Option<f64>,

    /// How many times as slowly as Ebbinghaus.
    #[arg(long, value_name = "X", allow_negative_numbers = true, requires = "curve")]
    stretch: Option<f64>,

    /// How fast uses fade.
    #[arg(long, value_name = "X", allow_negative_numbers = true, requires = "curve")]
    decay: Option<f64>,

    /// Days after which a single use is recalled half of the times.
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true, requires = "curve")]
    half: Option<f64>,

    /// How gradually recall fails.
    #[arg(long, value_name = "X", allow_negative_numbers = true, requires = "curve")]
    noise: Option<f64>,

    /// What is left at least, 0 to 1.
    #[arg(long, value_name = "R", allow_negative_numbers = true, requires = "curve")]
    floor: Option<f64>,

    /// What a use of something wholly forgotten adds to its stability, in stabilities, 0 to 5.
    #[arg(long, value_name = "X", allow_negative_numbers = true, requires = "curve")]
    gain: Option<f64>,
}

impl Retain {
    pub(in super::super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let fading = match self.curve {
            None => Fading::of(&self.of.open_to_read()?.1.retention()),
            Some(shape) => {
                let retention = self.numbers.retention(shape)?;
                let (store, space) = self.of.open_to_write()?;
                space.set_retention(retention)?;
                store.close()?;
                Fading::of(&retention)
            }
        };
        output.result(&fading, |fading| fading.text(output))
    }
}

impl Numbers {
    /// Those of curves, by name.
    fn given(&self) -> [(&'static str, Option<f64>); 6] {
        [
            ("stability", self.stability),
            ("exponent", self.exponent),
            ("stretch", self.stretch),
            ("decay", self.decay),
            ("half", self.half),
            ("noise", self.noise),
        ]
    }

    fn retention(&self, shape: Shape) -> anyhow::Result<Retention> {
        let curve = self.curve(shape)?;
        let (called, takes) = parts(curve);
        for (name, number) in self.given() {
            ensure!(
                number.is_none() || takes.contains_key(name),
                "the curve {called} has no {name}; leave out --{name}"
            );
        }
        let mut retention = Retention::new(curve)?;
        if let Some(floor) = self.floor {
            retention = retention.floor(floor)?;
        }
        if let Some(gain) = self.gain {
            retention = retention.gain(gain)?;
        }
        Ok(retention)
    }

    fn curve(&self, shape: Shape) -> anyhow::Result<Curve> {
        let given: BTreeMap<_, _> = self.given().into_iter().collect();
        let (_, usual) = parts(shape.usual());
        let number = |name: &str| {
            let number = given.get(name).copied().flatten().or(usual.get(name).copied());
            number.ok_or_else(|| anyhow!("this curve is of a {name} of your own; pass --{name}"))
        };
        Ok(match shape {
            Shape::None => Curve::None,
            Shape::Exponential => Curve::Exponential { stability: number("stability")? },
            Shape::Power => {
                let (stability, exponent) = (number("stability")?, number("exponent")?);
                Curve::Power { stability, exponent }
            }
            Shape::Ebbinghaus => Curve::Savings { stretch: number("stretch")? },
            Shape::ActR => {
                let (decay, half, noise) = (number("decay")?, number("half")?, number("noise")?);
                Curve::BaseLevel { decay, half, noise }
            }
            Shape::Fsrs => {
                let (stability, decay) = (number("stability")?, number("decay")?);
                Curve::Fsrs { stability, decay }
            }
        })
    }
}

impl Shape {
    /// The curve whose numbers are taken where none are given; none for curves that have no usual
    /// ones.
    fn usual(self) -> Curve {
        match self {
            Self::None | Self::Exponential | Self::Power => Curve::None,
            Self::Ebbinghaus => Curve::EBBINGHAUS,
            Self::ActR => Curve::ACT_R,
            Self::Fsrs => Curve::FSRS_6,
        }
    }
}

/// What a curve is called, and its numbers.
fn parts(curve: Curve) -> (&'static str, BTreeMap<&'static str, f64>) {
    match curve {
        Curve::None => ("none", BTreeMap::new()),
        Curve::Exponential { stability } => ("exponential", [("stability", stability)].into()),
        Curve::Power { stability, exponent } => {
            ("power", [("stability", stability), ("exponent", exponent)].into())
        }
        Curve::Savings { stretch } => ("ebbinghaus", [("stretch", stretch)].into()),
        Curve::BaseLevel { decay, half, noise } => {
            ("act-r", [("decay", decay), ("half", half), ("noise", noise)].into())
        }
        Curve::Fsrs { stability, decay } => {
            ("fsrs", [("stability", stability), ("decay", decay)].into())
        }
        // A curve that this command does not know.
        _ => ("another", BTreeMap::new()),
    }
}

/// How a space fades, as it is printed.
#[derive(Serialize)]
pub(in super::super) struct Fading {
    curve: &'static str,
    /// The curve's own, by name.
    numbers: BTreeMap<&'static str, f64>,
    floor: f64,
    gain: f64,
}

impl Fading {
    pub(in super::super) fn of(retention: &Retention) -> Self {
        let (curve, numbers) = parts(retention.curve());
        // The last two numbers of what is kept; nothing else tells them.
        let bytes = retention.to_bytes();
        let [floor, gain] = [32, 40].map(|place| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[place..place + 8]);
            f64::from_le_bytes(number)
        });
        Self { curve, numbers, floor, gain }
    }

    /// The curve in a word, if anything fades.
    pub(in super::super) fn word(&self) -> Option<&'static str> {
        (self.curve != "none").then_some(self.curve)
    }

    fn text(&self, output: &Output) -> String {
        let mut rows = vec![("curve", self.curve.to_owned())];
        rows.extend(self.numbers.iter().map(|(name, number)| (*name, number.to_string())));
        rows.extend([("floor", self.floor.to_string()), ("gain", self.gain.to_string())]);
        output.rows(&rows)
    }
}
