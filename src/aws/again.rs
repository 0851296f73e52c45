//! Repeated calls, for answers that AWS gives only after a while.

use std::time::Duration;

/// Asks until an answer is final, at most once more than there are pauses (in milliseconds). Returns the last answer,
/// final or not.
pub async fn ask_again<T>(
    pauses: &[u64],
    mut ask: impl AsyncFnMut() -> T,
    is_final: impl Fn(&T) -> bool,
) -> T {
    for milliseconds in pauses {
        let answer = ask().await;
        if is_final(&answer) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
    }
    ask().await
}
