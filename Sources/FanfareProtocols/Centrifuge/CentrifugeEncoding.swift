import FanfareWire
import NIOCore

/// How the messages of the Centrifuge client protocol are written. Both encodings say the same, and a session is the same in both.
public enum CentrifugeEncoding: Sendable {
    /// Objects in text messages, one a line.
    case json
    /// `client.proto` in binary messages, each part behind its length.
    case protobuf

    var encoder: any CentrifugeEncoder.Type {
        switch self {
        case .json: CentrifugeJSONEncoder.self
        case .protobuf: CentrifugeProtobufEncoder.self
        }
    }

    /// What carries messages on a transport that tells text from binary.
    var kind: Payload.Kind {
        switch self {
        case .json: .text
        case .protobuf: .binary
        }
    }

    /// What a client published. In Protobuf that may be anything: text is what can be text, as with a `POST`, so that clients
    /// whose JSON comes as bytes meet those whose JSON comes as JSON.
    func payload(_ data: ByteBuffer) -> Payload {
        switch self {
        case .json: Payload(kind: .text, bytes: data)
        case .protobuf:
            Payload(kind: data.withUnsafeReadableBytes { UTF8Validator.isValid($0) } ? .text : .binary, bytes: data)
        }
    }
}
