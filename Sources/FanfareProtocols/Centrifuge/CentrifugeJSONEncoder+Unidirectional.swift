import FanfareWire
import NIOCore

/// What clients hear that hear nothing but pushes, and so have no envelope around them (`client.proto`: Push).
extension CentrifugeJSONEncoder {
    private static let envelope = #"{"push":"#.utf8.count
    private static let replyStart = "{\"id\":\(CentrifugeSession.connectID),".utf8.count

    /// A push out of its envelope: `{"channel":…,"pub":…}`.
    ///
    /// - Parameter push: as this encoder makes them.
    static func bare(_ push: Body) -> Body {
        Body(.text, sizeHint: push.bytes.readableBytes) { buffer in
            buffer.writeBytes(push.bytes.readableBytesView.dropFirst(envelope).dropLast())
        }
    }

    /// `{"connect":{…}}`.
    ///
    /// - Parameter reply: to a `connect` with the id ``CentrifugeSession/connectID``.
    static func connectPush(_ reply: Body) -> Body {
        Body(.text, sizeHint: reply.bytes.readableBytes) { buffer in
            buffer.writeStaticString("{")
            buffer.writeBytes(reply.bytes.readableBytesView.dropFirst(replyStart))
        }
    }
}
