//! Matrix devices as older clients name them. A client that speaks OAuth names its device in the scope instead.

/// The longest device id that a homeserver accepts back from us, in characters (spec INT-06).
const MAX_DEVICE_ID_CHARS: usize = 255;
/// The longest device name that Synapse accepts, in characters.
const MAX_DEVICE_NAME_CHARS: usize = 100;

/// Tells whether a device can have this id: any printable text, since historical ones hold spaces and more (TRP-30).
pub fn is_device_id(id: &str) -> bool {
    let length = id.chars().count();
    (1..=MAX_DEVICE_ID_CHARS).contains(&length) && !id.chars().any(char::is_control)
}

/// Brings the name that an app gives its device into the stored form; nothing when there is none.
pub fn device_name(raw: &str) -> Option<String> {
    let name: String = raw.trim().chars().filter(|c| !c.is_control()).take(MAX_DEVICE_NAME_CHARS).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_id_is_printable_and_not_too_long() {
        // CMP-13, INT-06, TRP-30
        let longest = "é".repeat(255);
        for (id, expected) in [
            ("ABCDEFGHIJ", true),
            ("my device ✨ / 1", true),
            (&*longest, true),
            (&*format!("{longest}x"), false),
            ("", false),
            ("a\nb", false),
            ("a\0b", false),
        ] {
            assert_eq!(is_device_id(id), expected, "{id:?}");
        }
    }

    #[test]
    fn a_device_name_loses_its_control_characters_and_its_excess() {
        assert_eq!(device_name(" Alice's\u{7} phone "), Some("Alice's phone".to_owned()));
        assert_eq!(device_name(" \t"), None);
        assert_eq!(device_name(&"x".repeat(400)).map(|name| name.len()), Some(MAX_DEVICE_NAME_CHARS));
    }
}
