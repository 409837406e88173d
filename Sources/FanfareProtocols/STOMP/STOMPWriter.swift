import FanfareWire
import NIOCore

/// Frames of the node. Each leaves as one message of its transport.
enum STOMPWriter {
    /// A line end: the node's heart-beat.
    static let heartBeat = Body(.text, sizeHint: 1) { $0.writeStaticString("\n") }

    /// A frame without a body. Headers that the version can't say are left out.
    static func frame(
        _ command: StaticString, _ version: STOMPVersion, _ headers: [(StaticString, ExactText)]
    ) -> Body {
        Body(.text, sizeHint: 64 + headers.reduce(0) { $0 + $1.1.utf8.count }) { buffer in
            buffer.writeStaticString(command)
            buffer.writeStaticString("\n")
            for (name, value) in headers where STOMPEscapes.canSay(value, version) {
                buffer.writeStaticString(name)
                buffer.writeStaticString(":")
                STOMPEscapes.write(value, version, into: &buffer)
                buffer.writeStaticString("\n")
            }
            buffer.writeStaticString("\n\0")
        }
    }

    /// `CONNECTED`, whose headers have no escapes in any version.
    static func connected(_ version: STOMPVersion, session: String, server: String, heartBeat: UInt64) -> Body {
        var headers: [(StaticString, ExactText)] = [
            ("version", ExactText(version.rawValue)), ("session", ExactText(session)), ("server", ExactText(server)),
        ]
        if version > .v10 { headers.append(("heart-beat", ExactText("\(heartBeat),\(heartBeat)"))) }
        return frame("CONNECTED", .v10, headers)
    }

    /// `RECEIPT`: that frame and all before it were handled.
    static func receipt(_ id: ExactText, _ version: STOMPVersion, position: StreamPosition? = nil) -> Body {
        var headers: [(StaticString, ExactText)] = [("receipt-id", id)]
        if let position {
            headers.append(("offset", ExactText("\(position.offset)")))
            headers.append(("epoch", ExactText(position.epoch)))
        }
        return frame("RECEIPT", version, headers)
    }

    /// `ERROR`: the connection ends after it.
    ///
    /// - Parameter versions: those that the node speaks, for a client that speaks none of them.
    static func error(
        _ message: String, _ version: STOMPVersion, receipt: ExactText?, versions: String? = nil
    ) -> Body {
        // One line, also for a client of 1.0, for which it would have no escapes.
        let line = String(message.map { $0.isNewline ? " " : $0 })
        var headers: [(StaticString, ExactText)] = [("message", ExactText(line))]
        if let receipt { headers.append(("receipt-id", receipt)) }
        if let versions { headers.append(("version", ExactText(versions))) }
        return frame("ERROR", version, headers)
    }
}
