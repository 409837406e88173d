import FanfareTestKit
import NIOCore

@testable import FanfareProtocols
@testable import FanfareWire

extension FuzzTarget {
    /// Two payloads, the second perhaps an edit of the first: a delta is smaller than its target and makes it out of the
    /// base, and one of text is text; in what leaves it is smaller, too. A delta of anyone's is applied or refused.
    static let deltas = FuzzTarget(name: "deltas", maxBytes: 4_096) { input in
        var input = input
        let (isEdit, repeats) = (input.bool(), 1 + input.pick(8))
        let piece = Array(input.piece())
        let base = Array(repeatElement(piece, count: repeats).joined())
        var target = isEdit ? base : []
        if isEdit {
            for _ in 0..<input.pick(4) {
                let start = Int(input.integer() % UInt64(target.count + 1))
                let end = min(target.count, start + input.pick(64))
                target.replaceSubrange(start..<end, with: input.bytes(input.pick(32)))
            }
        }
        target += Array(input.rest)
        check(base, target)
        publications(base, target)
        guard let applied = try? FossilPatch.apply(target, to: base, limit: 65_536) else { return }
        expect(applied.count <= 65_536, "\(applied.count) bytes")
    }

    private static func check(_ base: [UInt8], _ target: [UInt8]) {
        let isText = String(validating: base, as: UTF8.self) != nil && String(validating: target, as: UTF8.self) != nil
        for keepsCharacters in [false, true] {
            let delta = FossilDelta.create(
                base: ByteBuffer(bytes: base), target: ByteBuffer(bytes: target), keepsCharacters: keepsCharacters)
            guard let delta else { continue }
            let bytes = Array(delta.readableBytesView)
            expect(bytes.count < target.count, "a delta of \(bytes.count) bytes for \(target.count)")
            do {
                let applied = try FossilPatch.apply(bytes, to: base)
                expect(applied == target, "another target")
            } catch {
                fatalError("\(error)")
            }
            guard keepsCharacters, isText else { continue }
            expect(String(validating: bytes, as: UTF8.self) != nil, "a delta of text that is no text")
        }
    }

    private static let channel = try! ChannelName("c")

    /// What clients are sent.
    private static func publications(_ base: [UInt8], _ target: [UInt8]) {
        let isText = String(validating: base, as: UTF8.self) != nil && String(validating: target, as: UTF8.self) != nil
        func publication(_ bytes: [UInt8]) -> Publication {
            Publication(
                channel: channel, payload: Payload(kind: isText ? .text : .binary, bytes: ByteBuffer(bytes: bytes)),
                publishedAt: 0)
        }
        let (first, second) = (publication(base), publication(target))
        for encoder in [CentrifugeJSONEncoder.self, CentrifugeProtobufEncoder.self] as [any CentrifugeEncoder.Type] {
            guard let delta = encoder.deltaPush(second, after: first) else { continue }
            let (size, whole) = (delta.bytes.readableBytes, encoder.wholePush(second).bytes.readableBytes)
            expect(size < whole, "a delta of \(size) bytes for \(whole) in \(encoder)")
        }
    }
}
