import FanfareCore
import FanfareWire
import HTTPTypes

/// What lets caches ask whether anything is new: the position of a channel as a weak entity tag (RFC 9110 §8.8.3), `W/"42.k3vxq7ab"`.
///
/// Weak, for an answer may hold a publication more than its tag says. Then the next question has an answer too many, and never
/// one too few.
enum PollTag {
    static func text(_ position: StreamPosition) -> String { "W/\"\(position)\"" }

    /// Whether `If-None-Match` has a position among its tags (§13.1.2), or `*`, which a channel with a position fits.
    ///
    /// - Parameter fields: the values as received.
    static func matches(_ position: StreamPosition, _ fields: [String]) -> Bool {
        let own = Array("\"\(position)\"".utf8)[...]
        return fields.contains { field in
            // A tag of ours has no comma.
            Array(field.utf8).split(separator: UInt8(ascii: ",")).contains { item in
                var tag = ListFromRight.trimmed(item)
                if tag.starts(with: "W/".utf8) { tag = tag.dropFirst(2) }
                return tag == own || tag.elementsEqual("*".utf8)
            }
        }
    }
}
