//! x
#[derive(Debug)]
pub enum Plan {
    Full,
    Quick,
}
/// x
pub fn print(_p: Plan) -> bool {
    true
}
/// The figure below which this share of all others is; they must be in order.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a place in a list"
)]
pub fn percentile(figures: &[f64], share: f64) -> f64 {
    let last = figures.len().saturating_sub(1);
    let place = (share * last as f64).round() as usize;
    figures.get(place).copied().unwrap_or(f64::NAN)
}
