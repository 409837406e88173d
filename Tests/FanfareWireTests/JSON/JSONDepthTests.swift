import FanfareProtocols
import NIOCore
import Testing

@testable import FanfareWire

@Suite("JSON depth")
struct JSONDepthTests {
    /// So many arrays or objects within each other, with `inside` in the innermost.
    private static func nested(_ levels: Int, _ open: String, _ close: String, inside: String = "") -> String {
        String(repeating: open, count: levels) + inside + String(repeating: close, count: levels)
    }

    private func isTooDeep(_ text: String) -> Bool { Payload(text: text).isNestedTooDeep }

    @Test("64 arrays and objects within each other may be, 65 may not", arguments: [1, 63, 64, 65, 66, 1_000, 100_000])
    func limit(levels: Int) {
        #expect(JSONDepth.maximum == 64)
        let isBeyond = levels > 64
        #expect(isTooDeep(Self.nested(levels, "[", "]")) == isBeyond)
        #expect(isTooDeep(Self.nested(levels, "[", "]", inside: "null")) == isBeyond)
        #expect(isTooDeep(Self.nested(levels, #"{"k":"#, "}", inside: "1")) == isBeyond)
        #expect(isTooDeep(" \n[1," + Self.nested(levels - 1, "[", "]") + ",2] ") == isBeyond)
        #expect(isTooDeep(Self.nested(levels / 2, #"[{"k":"#, "}]", inside: "1") + "") == (levels / 2 * 2 > 64))
    }

    @Test("what is not JSON has no depth, and neither has binary")
    func notJSON() {
        let deep = Self.nested(100, "[", "]")
        for text in [String(deep.dropLast()), deep + "]", deep + " x", "x" + deep, "\"\(deep)\"", ""] {
            #expect(!isTooDeep(text), "\(text)")
        }
        #expect(!Payload(kind: .binary, bytes: ByteBuffer(string: deep)).isNestedTooDeep)
    }

    @Test("many arrays next to each other are not deep")
    func wide() {
        #expect(!isTooDeep("[" + Array(repeating: "[[1]]", count: 1_000).joined(separator: ",") + "]"))
    }

    @Test("what is deeper than any may send and comes from Redis all the same is handed on as the JSON that it is")
    func handedOn() throws {
        let deep = Self.nested(100, "[", "]")
        let publication = Publication(channel: try ChannelName("c"), payload: Payload(text: deep))
        let push = String(buffer: CentrifugeJSONEncoder.publicationPush(publication).bytes)
        #expect(push.contains("\"data\":\(deep)}"))
    }
}
