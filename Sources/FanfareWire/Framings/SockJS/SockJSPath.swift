/// A path below the place of a SockJS service (sockjs-protocol, "Base URL").
public enum SockJSPath: Equatable, Sendable {
    /// How a session's client receives or sends.
    public enum Transport: String, Sendable, CaseIterable {
        /// A POST that is answered when there is something.
        case xhr
        /// A POST whose answer goes on.
        case xhrStreaming = "xhr_streaming"
        /// A POST with messages.
        case xhrSend = "xhr_send"
        /// An event stream.
        case eventSource = "eventsource"
        /// A page whose scripts come one after the other.
        case htmlFile = "htmlfile"
        /// A script that is there when there is something.
        case jsonp
        /// A form with messages.
        case jsonpSend = "jsonp_send"
        case webSocket = "websocket"
    }

    /// The place itself.
    case greeting
    case info
    case iframe
    /// A WebSocket without frames.
    case rawWebSocket
    /// A session by its id, which the client chose. What stands before the id is for balancers, and means nothing.
    case session(ExactText, Transport)

    /// Most bytes of a session's id.
    public static let idBytes = 128

    /// - Parameter rest: what stands behind the place of the service, without the query.
    /// - Returns: `nil`: there is nothing.
    public init?(_ rest: String) {
        var parts = rest.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard let first = parts.first, first.isEmpty else { return nil }
        parts.removeFirst()
        switch parts.count {
        case 0: self = .greeting
        case 1:
            if parts[0].isEmpty {
                self = .greeting
            } else if parts[0].elementsEqual("info".utf8) {
                self = .info
            } else if parts[0].elementsEqual("websocket".utf8) {
                self = .rawWebSocket
            } else if Self.isIframe(parts[0]) {
                self = .iframe
            } else {
                return nil
            }
        case 3, 4:
            // A slash at the end is what some clients add.
            guard parts.count == 3 || parts[3].isEmpty, Self.isPart(parts[0]), Self.isPart(parts[1]),
                let transport = Transport.allCases.first(where: { parts[2].elementsEqual($0.rawValue.utf8) })
            else { return nil }
            self = .session(ExactText(Substring(parts[1])), transport)
        default: return nil
        }
    }

    /// Server and session have no dots: then nobody takes them for files.
    private static func isPart(_ part: Substring.UTF8View) -> Bool {
        (1...idBytes).contains(part.count) && !part.contains(UInt8(ascii: "."))
    }

    /// `iframe[0-9-.a-z_]*.html`: the version in it is for caches.
    private static func isIframe(_ name: Substring.UTF8View) -> Bool {
        guard name.starts(with: "iframe".utf8), name.suffix(5).elementsEqual(".html".utf8), name.count >= 11 else {
            return false
        }
        return name.dropFirst(6).dropLast(5).allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-._".utf8.contains(byte)
        }
    }
}
