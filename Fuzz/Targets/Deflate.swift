import NIOCore

@testable import FanfareWire

extension FuzzTarget {
    /// Compressed messages: never more than the limit comes out, a used stream is as good as a new one, and what is
    /// compressed comes back.
    static let deflate = FuzzTarget(name: "deflate", maxBytes: 4_096) { input in
        var input = input
        let limit = input.pick([0, 1, 100, 4_096, 65_536])
        let bits = 8 + input.pick(8)
        switch input.pick(3) {
        case 0:
            let used = Inflated(limit) {
                Inflater.inflateAlone(&$0, limit: limit, headerRoom: 10)
            } from: {
                input.rest
            }
            let new = Inflated(limit) {
                Inflater(windowBits: 15)!.inflate(&$0, limit: limit, headerRoom: 10)
            } from: {
                input.rest
            }
            expect(used == new, "a used stream says \(used), a new one \(new)")
        case 1:
            guard let narrow = Inflater(windowBits: bits), let wide = Inflater(windowBits: 15) else { return }
            while !input.isEmpty {
                let bytes = input.bytes(Int(input.byte()))
                let message = Inflated(limit) {
                    narrow.inflate(&$0, limit: limit, headerRoom: 10)
                } from: {
                    bytes
                }
                guard case .message = message else { return }
                let other = Inflated(limit) {
                    wide.inflate(&$0, limit: limit, headerRoom: 0)
                } from: {
                    bytes
                }
                expect(message == other, "with a small window \(message), with a big one \(other)")
            }
        default:
            let frame = WebSocketFrame.encode(.binary, payload: input.buffer)
            let growth = DeflateAgreement.growth(frame.readableBytes)
            let compressed = Deflater.compress(frame: frame, windowBits: max(9, bits), growth: growth)
            guard let compressed else { fatalError("\(frame.readableBytes) bytes grew by more than \(growth)") }
            let back = compressed.withUnsafeReadableBytes { bytes in
                let header = WebSocketFrame.plainHeader(bytes)!.length
                return Inflated(frame.readableBytes) {
                    Inflater(windowBits: max(9, bits))!.inflate(&$0, limit: frame.readableBytes, headerRoom: 0)
                } from: {
                    UnsafeRawBufferPointer(rebasing: bytes[header...])
                }
            }
            expect(back == .message(Array(input.rest)), "compressed and back it is \(back)")
        }
    }
}

private enum Inflated: Equatable {
    case message([UInt8])
    case tooBig
    case corrupt

    init(
        _ limit: Int, _ body: (inout ByteBuffer) -> Inflater.Outcome, from bytes: () -> UnsafeRawBufferPointer
    ) {
        var bytes = bytes().buffer
        switch body(&bytes) {
        case .message(let message):
            expect(message.readableBytes <= limit, "\(message.readableBytes) bytes, limit \(limit)")
            self = .message(Array(message.readableBytesView))
        case .tooBig: self = .tooBig
        case .corrupt: self = .corrupt
        }
    }
}
