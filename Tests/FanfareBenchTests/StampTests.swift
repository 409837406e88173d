import NIOCore
import Testing

@testable import FanfareBench

@Suite("Stamp")
struct StampTests {
    private func bytes(_ stamp: Stamp, size: Int) -> [UInt8] {
        var buffer = ByteBuffer()
        stamp.writePayload(size: size, into: &buffer)
        return Array(buffer.readableBytesView)
    }

    @Test("what is written is read, at its size, as a JSON string")
    func roundTrip() {
        let stamps = [
            Stamp(run: 0, channel: 0, sequence: 0, sentAt: 0),
            Stamp(run: 0xABCD, channel: 999_999, sequence: 4_294_967_295, sentAt: 0xFFFF_FFFF_FFFF),
            Stamp(run: 1, channel: 0x123456, sequence: 0x789A_BCDE, sentAt: 0x1234_5678_9ABC),
        ]
        for stamp in stamps {
            for size in [40, 41, 128, 4_096] {
                let payload = bytes(stamp, size: size)
                #expect(payload.count == size && payload.first == 0x22 && payload.last == 0x22)
                #expect(payload.withUnsafeBytes { Stamp.read($0, at: 1) } == stamp)
            }
        }
    }

    @Test("no stamp: too short, no magic, beyond the end")
    func none() {
        let payload = bytes(Stamp(run: 1, channel: 2, sequence: 3, sentAt: 4), size: 40)
        payload.withUnsafeBytes { bytes in
            #expect(Stamp.read(bytes, at: 0) == nil)
            #expect(Stamp.read(bytes, at: 2) == nil)
            #expect(Stamp.read(bytes, at: 100) == nil)
            #expect(Stamp.read(UnsafeRawBufferPointer(rebasing: bytes.prefix(38)), at: 1) == nil)
        }
        #expect([UInt8]().withUnsafeBytes { Stamp.read($0, at: 1) } == nil)
    }

    @Test("stamps are found inside messages, several in one, among other slashes")
    func found() {
        let one = String(decoding: bytes(Stamp(run: 1, channel: 2, sequence: 3, sentAt: 4), size: 50), as: UTF8.self)
        let text = #"{"push":{"channel":"a/b/fanfare/","pub":{"data":"# + one + "}}}\n{\"x\":" + one + "}"
        Array(text.utf8).withUnsafeBytes { bytes in
            var places: [Int] = []
            var offset = 0
            while let place = CentrifugeText.findStamp(bytes, from: offset) {
                places.append(place)
                offset = place + (Stamp.read(bytes, at: place)?.run == 1 ? Stamp.length : 8)
            }
            // The channel's name holds the magic, and the stamp begins before one there would end.
            #expect(places.map { Stamp.read(bytes, at: $0)?.run == 1 } == [false, true, true])
            #expect(places.last.flatMap { Stamp.read(bytes, at: $0)?.sequence } == 3)
        }
    }
}
