import NIOCore

@testable import FanfareWire

extension FuzzTarget {
    /// Bodies of POSTs in Engine.IO, messages on a WebSocket, and what the server says as frames and as the body of a poll's answer.
    static let engineio = FuzzTarget(name: "engineio", maxBytes: 2_048) { input in
        var input = input
        switch input.pick(3) {
        case 0: body(input.buffer)
        case 1: answer(&input)
        default:
            let message = Payload(kind: input.bool() ? .text : .binary, bytes: ByteBuffer(string: input.remainder))
            guard let packet = EngineIOPacket(message) else {
                return expect(message.kind == .text, "binary is refused")
            }
            expect(packet.kind == .message || packet.data.kind == .text, "\(packet.kind) with binary data")
        }
    }

    /// A body is taken as a whole or not at all, and says the same written again.
    private static func body(_ body: ByteBuffer) {
        guard let payload = EngineIOPayload(body) else { return }
        let packets = walk(payload)
        let separators = body.readableBytesView.count { $0 == EngineIOPayload.separator }
        expect(packets.count == separators + 1, "\(packets.count) packets with \(separators) separators")
        var frames = ByteBuffer()
        for packet in packets {
            guard packet.data.kind == .text else {
                frames.writeImmutableBuffer(EngineIOFraming().seal(Body(packet.data)))
                continue
            }
            let isText = packet.data.bytes.withUnsafeReadableBytes { UTF8Validator.isValid($0) }
            expect(isText, "data that is not UTF-8")
            frames.writeImmutableBuffer(EngineIOFraming.packet(packet.kind, packet.data.bytes))
        }
        let written = EngineIOPayload.body(frames)
        expect(EngineIOPayload(written).map(walk) == packets, "written again it says something else")
    }

    /// What the server sends reads the same on a WebSocket and in a poll, wherever its frames are cut.
    private static func answer(_ input: inout FuzzInput) {
        var (frames, bodies) = (ByteBuffer(), [Payload]())
        while !input.isEmpty, bodies.count < 32 {
            let kind: Payload.Kind = input.bool() ? .text : .binary
            let text = String(decoding: input.piece(), as: UTF8.self).filter { $0 != "\u{1E}" }
            let payload = Payload(kind: kind, bytes: ByteBuffer(string: text))
            bodies.append(payload)
            frames.writeImmutableBuffer(
                EngineIOFraming().seal(
                    input.bool()
                        ? Body(payload) : Body(kind, sizeHint: 4) { $0.writeImmutableBuffer(payload.bytes) }))
        }
        expect(EngineIOPayload.whole(frames) == frames.readableBytes, "frames of ours are not whole")
        let cut = input.pick(256) * frames.readableBytes / 256
        let whole = EngineIOPayload.whole(frames.getSlice(at: 0, length: cut) ?? ByteBuffer())
        expect(whole <= cut && WebSocketFrame.boundary(in: frames, from: whole) == whole, "a cut within a frame")
        guard !bodies.isEmpty else { return }
        let body = EngineIOPayload.body(frames)
        expect(body.readableBytes <= 2 * frames.readableBytes, "\(body.readableBytes)")
        let packets = EngineIOPayload(body).map(walk)
        expect(packets == bodies.map { EngineIOPacket(.message, $0) }, "a poll reads otherwise")
    }

    private static func walk(_ payload: EngineIOPayload) -> [EngineIOPacket] {
        var (payload, packets) = (payload, [EngineIOPacket]())
        while let packet = payload.next() { packets.append(packet) }
        expect(payload.isEmpty, "a packet of a checked body can't be read")
        return packets
    }
}
