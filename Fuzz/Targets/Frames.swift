import NIOCore

@testable import FanfareWire

extension FuzzTarget {
    /// WebSocket frames from a client: the same events however the bytes are cut, within the limits, and what came out goes
    /// in again as it was.
    static let frames = FuzzTarget(name: "frames", maxBytes: 512) { input in
        var input = input
        let limit = input.pick([0, 1, 125, 126, 1_000, 70_000])
        let fragments = input.pick([1, 2, 16, 1_024])
        let reader = FrameRun.reader(limit: limit, fragments: fragments, deflate: input.pick(4))
        var seed = UInt32(input.byte())
        let whole = FrameRun(reader, limit: limit) { run in run.feed(input.rest) }
        let cut = FrameRun(reader, limit: limit) { run in
            var rest = input
            while !rest.isEmpty {
                seed = seed &* 1_664_525 &+ 1_013_904_223
                run.feed(rest.bytes(1 + Int(seed >> 24) % 32))
            }
        }
        expect(whole.events == cut.events, "in one piece \(whole.events), cut \(cut.events)")
        for case .message(let payload) in whole.events { FrameRun.roundTrip(payload) }
    }
}

/// A reader that is fed.
private struct FrameRun {
    private var reader: WebSocketReader
    private let limit: Int
    private(set) var events: [WebSocketReader.Event] = []
    private var hasEnded = false

    init(_ reader: WebSocketReader, limit: Int, _ body: (inout FrameRun) -> Void) {
        self.reader = reader
        self.limit = limit
        body(&self)
    }

    static func reader(limit: Int, fragments: Int, deflate: Int) -> WebSocketReader {
        let offers = ExtensionOffer.parse("permessage-deflate\(deflate == 3 ? "; client_max_window_bits=9" : "")")
        let policy = DeflatePolicy(clientContext: deflate > 1)
        let agreement = deflate == 0 ? nil : DeflateAgreement.negotiate(offers ?? [], policy)
        return WebSocketReader(maxMessageBytes: limit, maxFragments: fragments, deflate: agreement)
    }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) {
        reader.feed(bytes.buffer)
        while let event = reader.next() {
            expect(!hasEnded, "\(event) after the end")
            events.append(event)
            check(event)
        }
        let compressed = limit + DeflateAgreement.growth(limit)
        expect(reader.bufferedBytes <= compressed + 139, "holds \(reader.bufferedBytes) bytes, limit \(limit)")
        expect(reader.heldBytes <= 4 * compressed + 4_096, "\(reader.heldBytes) bytes of memory, limit \(limit)")
        if !reader.isUnfinished { expect(reader.heldBytes == 0, "idle and holds \(reader.heldBytes)") }
    }

    private mutating func check(_ event: WebSocketReader.Event) {
        switch event {
        case .message(let payload):
            expect(payload.bytes.readableBytes <= limit, "a message of \(payload.bytes.readableBytes) bytes")
            guard payload.kind == .text else { return }
            expect(String(validating: payload.bytes.readableBytesView, as: UTF8.self) != nil, "text is not UTF-8")
        case .ping(let body), .pong(let body): expect(body.readableBytes <= 125, "control frame too long")
        case .close(let code, _):
            expect(code.map(CloseFrame.isAllowed) ?? true, "close code \(code ?? 0)")
            hasEnded = true
        case .failure: hasEnded = true
        }
    }

    /// The message as a server sends it, masked, is the same message again.
    static func roundTrip(_ payload: Payload) {
        let plain = WebSocketFrame.encode(payload.kind == .text ? .text : .binary, payload: payload.bytes)
        expect(WebSocketFraming().seal(Body(payload)) == plain, "its own header is another one")
        let header = WebSocketFrame.headerLength(payloadLength: payload.bytes.readableBytes)
        var masked = ByteBuffer(bytes: plain.readableBytesView.prefix(header))
        masked.setInteger(masked.getInteger(at: 1, as: UInt8.self)! | 0x80, at: 1)
        let mask: [UInt8] = [0x12, 0xFE, 0x00, 0x77]
        masked.writeBytes(mask)
        for (index, byte) in payload.bytes.readableBytesView.enumerated() {
            masked.writeInteger(byte ^ mask[index & 3])
        }
        var reader = WebSocketReader(maxMessageBytes: payload.bytes.readableBytes, maxFragments: 1)
        reader.feed(masked)
        let again = reader.next()
        expect(again == .message(payload), "written and read it is \(String(describing: again))")
    }
}
