import FanfareCore
import FanfareWire
import HTTPTypes

extension Route {
    /// The services of a node: `/channels/{channel}`, `/centrifuge` and `/stomp` below its place for SockJS.
    static func sockJS(_ options: SockJSOptions, _ limits: Limits) -> [Route] {
        guard !options.path.isEmpty else { return [] }
        let most = limits.maxChannelNameBytes
        return [
            .under(options.path + "/centrifuge") { SockJSEndpoint(.centrifuge, options, rest: $0) },
            .under(options.path + "/stomp") { SockJSEndpoint(.stomp, options, rest: $0) },
            .under(options.path + "/channels") { channelEndpoint($0, options, limit: most) },
        ]
    }

    /// - Parameter rest: `/{channel}` and what stands behind it.
    private static func channelEndpoint(_ rest: String, _ options: SockJSOptions, limit: Int) -> any Endpoint {
        let name = rest.utf8.dropFirst().prefix { $0 != UInt8(ascii: "/") }
        let behind = String(Substring(rest.utf8.dropFirst(1 + name.count)))
        do {
            guard let text = PercentEncoding.decoded(name) else { throw ChannelNameError.notUTF8 }
            return SockJSEndpoint(.channel(try ChannelName(text, limit: limit)), options, rest: behind)
        } catch {
            return RefusingEndpoint(reason: .badChannel, status: .badRequest, message: "\(error)")
        }
    }

    /// The services that the conformance suite drives (sockjs-protocol, "sockjs-protocol.py").
    static func sockJSEcho(_ options: SockJSOptions) -> [Route] {
        var options = options
        options.responseLimit = 4_096
        options.allowsCookiesOfAll = true
        options.clientURL = "/sockjs.min.js"
        var (silent, sticky) = (options, options)
        silent.hasWebSocket = false
        sticky.needsCookies = true
        return [
            service("/echo", .echo, options), service("/disabled_websocket_echo", .echo, silent),
            service("/cookie_needed_echo", .echo, sticky), service("/close", .closing, options),
        ]
    }

    private static func service(_ path: String, _ service: SockJSService, _ options: SockJSOptions) -> Route {
        .under(path) { SockJSEndpoint(service, options, rest: $0) }
    }
}
