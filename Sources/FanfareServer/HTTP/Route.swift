import FanfareWire

/// What a request on the public port asks for. Pure: method and target in, meaning out.
enum Route: Equatable {
    /// The demo page.
    case page
    /// An upgrade to the Centrifuge client protocol.
    case centrifugeWebSocket
    /// An upgrade to the raw protocol on a channel.
    case rawWebSocket(ChannelName)
    /// A publish over HTTP into a channel.
    case publish(ChannelName)
    /// The path exists, the method does not fit.
    case methodNotAllowed(allow: String)
    /// The channel's name is against the rules.
    case badChannel(ChannelNameError)
    /// No such path.
    case notFound

    /// - Parameters:
    ///   - target: the request target as received, query included (RFC 9112 §3.2.1, origin or absolute form).
    ///   - channelBytes: most bytes of a channel name.
    init(method: String, target: String, channelBytes: Int) {
        // Bytes, not characters: every connection comes through here.
        let path = Self.originForm(target.utf8[...]).prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        switch Substring(path) {
        case "/":
            self = method == "GET" || method == "HEAD" ? .page : .methodNotAllowed(allow: "GET, HEAD")
        case "/connection/websocket":
            self = method == "GET" ? .centrifugeWebSocket : .methodNotAllowed(allow: "GET")
        default:
            self = Self.channel(path: path, method: method, channelBytes: channelBytes)
        }
    }

    /// Path and query of a target, also of one with scheme and host (RFC 9112 §3.2.2; RFC 6455 §4.2.1).
    private static func originForm(_ target: Substring.UTF8View) -> Substring.UTF8View {
        guard target.first != UInt8(ascii: "/") else { return target }
        for scheme in ["http://", "https://"] where target.starts(with: scheme.utf8) {
            let path = target.dropFirst(scheme.utf8.count).drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
            return path.first == UInt8(ascii: "/") ? path : "/"[...].utf8
        }
        return target
    }

    private static func channel(path: Substring.UTF8View, method: String, channelBytes: Int) -> Route {
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard segments.count == 3 || segments.count == 4, segments[0].isEmpty,
            segments[1].elementsEqual("channels".utf8)
        else { return .notFound }
        let isWebSocket = segments.count == 4
        if isWebSocket, !segments[3].elementsEqual("ws".utf8) { return .notFound }
        let wanted = isWebSocket ? "GET" : "POST"
        guard method == wanted else { return .methodNotAllowed(allow: wanted) }
        guard let name = PercentEncoding.decoded(segments[2]) else { return .badChannel(.notUTF8) }
        do {
            let channel = try ChannelName(name, limit: channelBytes)
            return isWebSocket ? .rawWebSocket(channel) : .publish(channel)
        } catch {
            return .badChannel(error)
        }
    }
}
