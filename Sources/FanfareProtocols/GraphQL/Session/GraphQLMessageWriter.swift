import FanfareWire
import NIOCore

/// What a client hears, in its words.
extension GraphQLWords {
    static let acknowledged = body { $0.writeStaticString(#"{"type":"connection_ack"}"#) }
    /// The older protocol's sign of life.
    static let keepAlive = body { $0.writeStaticString(#"{"type":"ka"}"#) }

    static func pong(_ payload: ByteBuffer?) -> Body {
        body { buffer in
            buffer.writeStaticString(#"{"type":"pong""#)
            if let payload {
                buffer.writeStaticString(#","payload":"#)
                buffer.writeImmutableBuffer(payload)
            }
            buffer.writeStaticString("}")
        }
    }

    /// What stands before the data of each message of a subscription; the rest is shared: ``GraphQLCodec``.
    func lead(_ id: ExactText) -> [UInt8] {
        var buffer = ByteBuffer()
        if isOneOperation {
            buffer.writeStaticString("event: next\ndata: {\"data\":")
        } else {
            writeHead(id, self == .transport ? "next" : "data", into: &buffer)
            buffer.writeStaticString(#","payload":{"data":"#)
        }
        return Array(buffer: buffer)
    }

    /// The answer to a query or mutation.
    func next(_ id: ExactText, _ write: (inout ByteBuffer) -> Void) -> Body {
        Self.body { buffer in
            switch self {
            case .transport, .legacy:
                writeHead(id, self == .transport ? "next" : "data", into: &buffer)
                buffer.writeStaticString(#","payload":"#)
                write(&buffer)
                buffer.writeStaticString("}")
            case .events:
                buffer.writeStaticString("event: next\ndata: ")
                write(&buffer)
                buffer.writeStaticString("\n\n")
            case .answer: write(&buffer)
            }
        }
    }

    /// The end of an operation that was not begun, or can't go on. Nothing of it follows.
    func error(_ id: ExactText, _ errors: [GraphQLError]) -> Body {
        guard !isOneOperation else { return next(id) { $0.writeImmutableBuffer(GraphQLFailure(errors).answer) } }
        return Self.body { buffer in
            writeHead(id, "error", into: &buffer)
            buffer.writeStaticString(#","payload":"#)
            if self == .legacy { errors.first?.write(into: &buffer) } else { errors.write(into: &buffer) }
            buffer.writeStaticString("}")
        }
    }

    func complete(_ id: ExactText) -> Body {
        Self.body { buffer in
            if isOneOperation {
                buffer.writeStaticString("event: complete\ndata:\n\n")
            } else {
                writeHead(id, "complete", into: &buffer)
                buffer.writeStaticString("}")
            }
        }
    }

    /// The older protocol's answer to what is no message of it, and to a `connection_init` that is refused.
    static func connectionError(_ message: String) -> Body {
        body { buffer in
            buffer.writeStaticString(#"{"type":"connection_error","payload":{"message":"#)
            JSONWriter.writeString(message, into: &buffer)
            buffer.writeStaticString("}}")
        }
    }

    private func writeHead(_ id: ExactText, _ type: StaticString, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"id":"#)
        JSONWriter.writeString(id.string, into: &buffer)
        buffer.writeStaticString(#","type":""#)
        buffer.writeStaticString(type)
        buffer.writeStaticString("\"")
    }

    private static func body(_ write: (inout ByteBuffer) -> Void) -> Body { Body(.text, sizeHint: 128, write) }
}
