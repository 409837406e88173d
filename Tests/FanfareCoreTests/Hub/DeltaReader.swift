import FanfareTestKit
import FanfareWire
import NIOCore

/// A client of the Centrifuge protocol in JSON with deltas, as SDKs are: it keeps the last text and applies deltas to it.
struct DeltaReader {
    struct Malformed: Error {
        let frame: String
    }

    /// The text of the last publication; `nil`: there was none.
    private(set) var last: [UInt8]?
    /// How many publications were deltas.
    private(set) var deltas = 0

    /// The text of a publication: `{"push":{"channel":"c","pub":{"data":"…"}}}`.
    mutating func read(_ frame: String) throws -> String {
        guard let push = Self.object(frame, "push"), let pub = Self.object(push, "pub").flatMap(Self.members),
            let data = pub["data"]?.string
        else { throw Malformed(frame: frame) }
        let text: [UInt8]
        if pub["delta"]?.bool == true {
            guard let last else { throw Malformed(frame: "a delta of nothing: \(frame)") }
            text = try FossilPatch.apply(Array(data.utf8), to: last)
            deltas += 1
        } else {
            text = Array(data.utf8)
        }
        last = text
        return String(decoding: text, as: UTF8.self)
    }

    private static func members(_ json: String) -> JSONMembers? { JSONMembers(ByteBuffer(string: json)) }

    private static func object(_ json: String, _ key: ExactText) -> String? {
        members(json)?[key].map { String(buffer: $0.bytes) }
    }
}
