import FanfareTestKit
import NIOCore

@testable import FanfareWire

extension FuzzTarget {
    /// Publications as an event stream: a reader that follows the standard hears each of them as it was, but for its line
    /// breaks, however the bytes are cut; and so it does when they come in chunks.
    static let events = FuzzTarget(name: "events", maxBytes: 512) { input in
        var input = input
        let seed = UInt32(input.byte())
        var stream = FramedStream(EventStreamFraming())
        var expected: [EventStreamReader.Event] = []
        while !input.isEmpty {
            switch input.pick(8) {
            case 0: stream.add(EventStreamFraming.ping)
            case 7: stream.add(EventStreamFraming.retry(milliseconds: seed))
            default: break
            }
            let position = input.position()
            let payload = input.payload()
            stream.add(payload, position)
            let id = position.map { ExactText("\($0)") } ?? expected.last?.lastEventID ?? ""
            switch payload.kind {
            case .text: expected.append(.init(data: withLF(payload.bytes.readableBytesView), lastEventID: id))
            case .binary:
                let base64 = String(decoding: Base64.encode(payload.bytes.readableBytesView), as: UTF8.self)
                expected.append(.init(type: "binary", data: ExactText(base64), lastEventID: id))
            }
        }
        stream.end()
        var (whole, cut) = (EventStreamReader(), EventStreamReader())
        whole.feed(stream.bare.readableBytesView)
        stream.bare.cut(seed) { cut.feed($0.readableBytesView) }
        expect(whole.events == expected, "\(expected) is heard as \(whole.events)")
        expect(cut.events == expected, "\(expected) is heard in pieces as \(cut.events)")
    }

    private static func withLF(_ text: ByteBufferView) -> ExactText {
        var output: [UInt8] = []
        for (index, byte) in text.enumerated() {
            let isPaired = byte == 0x0A && index > 0 && text[text.startIndex + index - 1] == 0x0D
            if !isPaired { output.append(byte == 0x0D ? 0x0A : byte) }
        }
        return ExactText(String(decoding: output, as: UTF8.self))
    }
}
