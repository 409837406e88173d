import Foundation
import NIOCore

/// What is published in a run: message by message and channel by channel, so that every listener knows every byte.
///
/// A message is JSON, so that it reads the same in both protocols: a digit, or a string with its channel, its number
/// and a piece of a pattern that no other message has.
struct WriterMessages {
    /// By channel and number.
    let payloads: [[ByteBuffer]]
    /// The same as the Centrifuge protocol frames them.
    let pushes: [[ByteBuffer]]

    static let channels = 5
    static let each = 60

    init(_ random: inout some RandomNumberGenerator) {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        let noise = ByteBuffer(
            bytes: (0..<300_000).map { _ in letters[Int(truncatingIfNeeded: random.next() >> 33) & 63] })
        var sizes = (0..<Self.channels).map { _ in
            (0..<Self.each).map { _ in Int(exp(Double.random(in: 0...log(200_000), using: &random))) }
        }
        // The sizes at which something changes: a byte, the lengths of a frame's header, the biggest.
        for (index, size) in [1, 2, 125, 126, 65_535, 65_536, 200_000].enumerated() {
            sizes[index % Self.channels][7 * index] = size
        }
        payloads = sizes.enumerated().map { channel, sizes in
            sizes.enumerated().map { number, size in
                Self.payload(channel, number, size, noise)
            }
        }
        pushes = payloads.enumerated().map { channel, payloads in
            payloads.map { payload in
                var push = ByteBuffer(string: "{\"push\":{\"channel\":\"c\(channel)\",\"pub\":{\"data\":")
                push.writeImmutableBuffer(payload)
                push.writeString("}}}")
                return push
            }
        }
    }

    private static func payload(_ channel: Int, _ number: Int, _ size: Int, _ noise: ByteBuffer) -> ByteBuffer {
        guard size > 1 else { return ByteBuffer(string: "\(number % 10)") }
        var payload = ByteBuffer(string: "\"")
        if size >= 16 { payload.writeString("c\(channel):\(number):") }
        let rest = size - payload.readableBytes - 1
        if let piece = noise.getSlice(at: (channel * each + number) * 257, length: rest) {
            payload.writeImmutableBuffer(piece)
        }
        payload.writeString("\"")
        return payload
    }

    /// The channel of a push, read at the place where it stands.
    static func channel(ofPush push: ByteBuffer) -> Int? {
        guard push.getString(at: push.readerIndex, length: 21) == #"{"push":{"channel":"c"#,
            let digit = push.getInteger(at: push.readerIndex + 21, as: UInt8.self)
        else { return nil }
        let channel = Int(digit) - 48
        return (0..<channels).contains(channel) ? channel : nil
    }

    /// The number that a push carries; short ones have no room for it.
    static func number(ofPush push: ByteBuffer) -> Int? {
        let text = push.getString(at: push.readerIndex, length: min(push.readableBytes, 60)) ?? ""
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        // {"push": {"channel": "c0","pub": {"data": "c0: 17: …
        return parts.count > 5 ? Int(parts[5]) : nil
    }
}
