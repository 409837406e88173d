import FanfareCore
import FanfareWire
import HTTPTypes

/// What lets caches ask whether an answer would be another one: a weak entity tag (RFC 9110 §8.8.3), `W/"42.k3vxq7ab-33-10"`.
///
/// Beside the channel's position it has the first offset and the number of publications: what is taken out of a history, or is
/// too old for it, leaves the position where it is.
///
/// Weak, for an answer may hold a publication more than its tag says. Then the next question has an answer too many, and never
/// one too few.
struct PollTag: CustomStringConvertible {
    private let opaque: String

    /// - Parameter start: what the answer is made of.
    /// - Returns: `nil`: nobody may keep it. It tells its reader to begin anew, or the channel has no positions.
    init?(_ start: SubscriptionStart) {
        guard start.isComplete, let position = start.position else { return nil }
        let first = start.publications.first?.position?.offset ?? 0
        opaque = "\"\(position)-\(first)-\(start.publications.count)\""
    }

    var description: String { "W/\(opaque)" }

    /// Whether `If-None-Match` has it among its tags (§13.1.2), or `*`, which any answer fits.
    ///
    /// - Parameter fields: the values as received.
    func matches(_ fields: [String]) -> Bool {
        let own = Array(opaque.utf8)[...]
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
