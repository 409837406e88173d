import NIOCore

/// Payloads as lines of JSON, one object each, for readers that have nothing but HTTP (curl, `fetch`).
///
/// `{"id":"42.k3vxq7ab","data":…}`, and without `id` where there is no position. `data` is the payload's own JSON on one line,
/// or other text as a JSON string; binary is in `base64` in its place. Lines end with LF.
public struct HTTPStreamFraming: StreamFraming {
    /// An empty line: nothing but a sign of life.
    public static let ping = ByteBuffer(string: "\n")

    public init() {}

    public func sizeHint(_ body: Body, at position: StreamPosition?) -> Int {
        let count = body.bytes.readableBytes
        let member =
            switch body.kind {
            case .text: count + 9
            case .binary: (count + 2) / 3 * 4 + 11
            }
        return member + 3 + (position == nil ? 0 : 8 + StreamPosition.maximumTextBytes)
    }

    public func write(_ body: Body, at position: StreamPosition?, into frame: inout ByteBuffer) {
        frame.writeStaticString("{")
        if let position { frame.writeString("\"id\":\"\(position)\",") }
        Self.writeMember(body.kind, body.bytes, into: &frame)
        frame.writeStaticString("}\n")
    }

    /// A payload as `"data":…` or `"base64":…`.
    public static func writeMember(_ kind: Payload.Kind, _ bytes: ByteBuffer, into frame: inout ByteBuffer) {
        switch kind {
        case .text:
            frame.writeStaticString("\"data\":")
            bytes.withUnsafeReadableBytes { JSONWriter.writeValue($0, into: &frame) }
        case .binary:
            frame.writeStaticString("\"base64\":\"")
            frame.writeBytes(Base64.encode(bytes.readableBytesView))
            frame.writeStaticString("\"")
        }
    }

    /// A line ends with its only LF.
    public func boundary(in frames: ByteBuffer, from offset: Int) -> Int {
        guard offset > 0 else { return 0 }
        return frames.withUnsafeReadableBytes { bytes in
            var end = offset
            while end < bytes.count, bytes[end - 1] != 0x0A { end += 1 }
            return min(end, bytes.count)
        }
    }
}
