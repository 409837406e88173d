import FanfareWire
import NIOCore

/// Writes packets as a server sends them.
enum SocketIOWriter {
    /// `0/chat,{"sid":"…","pid":"…"}`.
    static func connect(_ namespace: ExactText, sid: String, pid: String?) -> Body {
        packet(.connect, namespace) { buffer in
            buffer.writeStaticString("{\"sid\":")
            JSONWriter.writeString(sid, into: &buffer)
            if let pid {
                buffer.writeStaticString(",\"pid\":")
                JSONWriter.writeString(pid, into: &buffer)
            }
            buffer.writeStaticString("}")
        }
    }

    /// `4/chat,{"message":"…","data":{"code":…}}`.
    static func connectError(_ namespace: ExactText, _ error: CentrifugeError) -> Body {
        packet(.connectError, namespace) { buffer in
            buffer.writeStaticString("{\"message\":")
            JSONWriter.writeString(error.message, into: &buffer)
            buffer.writeString(",\"data\":{\"code\":\(error.code)}}")
        }
    }

    /// `4/chat,{"message":"Invalid namespace"}`: these words, for clients' programs compare them.
    static func invalidNamespace(_ namespace: ExactText) -> Body {
        packet(.connectError, namespace) { $0.writeStaticString("{\"message\":\"Invalid namespace\"}") }
    }

    /// `1/chat,`: the client leaves the namespace, and does not come back by itself.
    static func disconnect(_ namespace: ExactText) -> Body { packet(.disconnect, namespace) { _ in } }

    /// `3/chat,7[{…}]`: an answer with one argument.
    static func ack(_ namespace: ExactText, _ id: UInt64, _ write: (inout ByteBuffer) -> Void) -> Body {
        packet(.ack, namespace, id) { buffer in
            buffer.writeStaticString("[")
            write(&buffer)
            buffer.writeStaticString("]")
        }
    }

    /// `3/chat,7[{"error":{"code":…,"message":"…"}}]`.
    static func ack(_ namespace: ExactText, _ id: UInt64, _ error: CentrifugeError) -> Body {
        ack(namespace, id) { buffer in
            buffer.writeString("{\"error\":{\"code\":\(error.code),\"message\":")
            JSONWriter.writeString(error.message, into: &buffer)
            if error.temporary { buffer.writeStaticString(",\"temporary\":true") }
            if let wait = error.retryAfter { buffer.writeString(",\"retry_after\":\(wait)") }
            buffer.writeStaticString("}}")
        }
    }

    /// `2/chat,["fanfare:offset","…"]`: an event that nobody has to listen to. Client libraries remember a last argument that is a
    /// string, and come back with it.
    static func offset(_ namespace: ExactText, _ offset: String) -> Body {
        packet(.event, namespace) { buffer in
            buffer.writeStaticString("[\"fanfare:offset\",")
            JSONWriter.writeString(offset, into: &buffer)
            buffer.writeStaticString("]")
        }
    }

    static func packet(
        _ kind: SocketIOPacket.Kind, _ namespace: ExactText, _ id: UInt64? = nil, attachments: [ByteBuffer] = [],
        sizeHint: Int = 96, _ write: (inout ByteBuffer) -> Void
    ) -> Body {
        Body(.text, sizeHint: 8 + namespace.utf8.count + sizeHint, attachments: attachments) { buffer in
            buffer.writeInteger(kind.rawValue)
            if !attachments.isEmpty { buffer.writeString("\(attachments.count)-") }
            if namespace != "/" {
                buffer.writeString(namespace.string)
                buffer.writeStaticString(",")
            }
            if let id { buffer.writeString("\(id)") }
            write(&buffer)
        }
    }
}
