import FanfareWire
import HTTPTypes
import NIOCore

/// Which endpoint answers a request on the public port. A transport is one line in it.
struct PublicRouter: Sendable {
    /// What clients find on every node.
    static let standard = PublicRouter([
        .path("/", [.get, .head]) { PageEndpoint() },
        .path("/connection/websocket", [.get]) { CentrifugeWebSocketEndpoint() },
        .path("/connection/sse", [.get, .post]) { CentrifugeStreamEndpoint(messages: .events) },
        .path("/connection/http_stream", [.post]) { CentrifugeStreamEndpoint(messages: .lines) },
        .path("/emulation", [.post]) { EmulationEndpoint() },
        .path("/connection/uni_websocket", [.get]) { UnidirectionalWebSocketEndpoint() },
        .path("/connection/uni_sse", [.get, .post]) { CentrifugeStreamEndpoint(messages: .events, onlyHears: true) },
        .path("/connection/uni_http_stream", [.post]) { CentrifugeStreamEndpoint(messages: .lines, onlyHears: true) },
        .path("/stomp", [.get]) { STOMPEndpoint() },
        .path("/mqtt", [.get]) { MQTTEndpoint() },
        .path("/graphql", [.get]) { GraphQLEndpoint() },
        .path("/graphql", [.post]) { GraphQLRequestEndpoint() },
        .channel("ws", [.get]) { RawWebSocketEndpoint(channel: $0) },
        .channel("sse", [.get]) { RawStreamEndpoint(channel: $0, messages: .events) },
        .channel("stream", [.get]) { RawStreamEndpoint(channel: $0, messages: .lines) },
        .channel("poll", [.get]) { PollEndpoint(channel: $0) },
        .channel("", [.post]) { PublishEndpoint(channel: $0) },
    ])

    /// What conformance suites find: Engine.IO with an echo in it, Socket.IO with its suite's handlers; every other path is an upgrade to
    /// an echo.
    static let echo = PublicRouter([
        .channel("", [.post]) { PublishEndpoint(channel: $0) },
        .engineIO("/engine.io", EngineIOEndpoint.echo),
        .engineIO("/socket.io", EngineIOEndpoint.socketIO),
    ]) { EchoEndpoint() }

    /// The answer that asks a client to come later, where a transport's clients don't understand the status.
    static func laterAnswer(to exchange: Exchange, _ message: String) -> (HTTPResponse, ByteBuffer)? {
        EventSourceRefusal.answer(to: exchange, message)
    }

    /// What clients of a node find.
    static func of(_ configuration: NodeConfiguration) -> PublicRouter {
        if configuration.echo {
            guard configuration.sockJSEcho else { return .echo }
            return PublicRouter(echo.routes + Route.sockJSEcho(configuration.sockJS), otherwise: echo.otherwise)
        }
        let path = configuration.socketIOPath
        let socketIO = path.isEmpty ? [] : [Route.engineIO(path, EngineIOEndpoint.socketIO)]
        return PublicRouter(
            standard.routes + socketIO + Route.sockJS(configuration.sockJS, configuration.limits))
    }

    /// What there is for a request.
    enum Match {
        /// An endpoint, and the channel in its path.
        case found(Route, ChannelName?)
        /// The path exists, for these methods.
        case otherMethods([HTTPRequest.Method])
        /// The channel's name is against the rules.
        case badChannel(ChannelNameError)
        case nothing
    }

    private let routes: [Route]
    private let otherwise: (@Sendable () -> any Endpoint)?

    /// - Parameter otherwise: who answers where no route fits; `nil`: nobody, that is 404 or 405.
    init(_ routes: [Route], otherwise: (@Sendable () -> any Endpoint)? = nil) {
        self.routes = routes
        self.otherwise = otherwise
    }

    /// - Parameters:
    ///   - path: in origin form, query included.
    ///   - channelBytes: most bytes of a channel name.
    func match(_ method: HTTPRequest.Method, _ path: String, channelBytes: Int) -> Match {
        let path = RoutePath(path)
        var others: [HTTPRequest.Method] = []
        for route in routes where path.fits(route.place) {
            guard route.methods.isEmpty || route.methods.contains(method) else {
                others += route.methods
                continue
            }
            if case .under = route.place { return .found(route, nil) }
            do {
                return .found(route, try path.channelName(limit: channelBytes))
            } catch {
                return .badChannel(error)
            }
        }
        return others.isEmpty ? .nothing : .otherMethods(others)
    }

    /// Finds the endpoint of a request that is let in.
    ///
    /// - Returns: `nil`: it was refused.
    func admit(_ exchange: Exchange) -> (any Endpoint)? {
        let endpoint = endpoint(for: exchange)
        guard exchange.mayComeIn(endpoint) else { return nil }
        guard endpoint.isForAllPages || !exchange.isFromPage || exchange.mayPageRead else {
            exchange.refuseOrigin()
            return nil
        }
        return endpoint
    }

    private func endpoint(for exchange: Exchange) -> any Endpoint {
        let match = match(exchange.request.method, exchange.path, channelBytes: exchange.limits.maxChannelNameBytes)
        if case .found(let route, let channel) = match { return route.endpoint(channel, exchange.path) }
        if let otherwise { return otherwise() }
        let isOptions = exchange.request.method == .options
        switch match {
        case .otherMethods(let methods):
            if isOptions { return OptionsEndpoint(methods: methods) }
            let allow = Self.list(methods)
            return RefusingEndpoint(
                reason: .notFound, status: .methodNotAllowed, message: "only \(allow) here", fields: [.allow: allow])
        case .badChannel(let error):
            return RefusingEndpoint(reason: .badChannel, status: .badRequest, message: "\(error)")
        case .found, .nothing:
            // RFC 9110 §9.3.7: the node itself, not one of its paths.
            if isOptions, RoutePath(exchange.path).fits(.path("*")) { return OptionsEndpoint(methods: allMethods) }
            return RefusingEndpoint(
                reason: .notFound, status: .notFound, message: "no such path; see / for what there is")
        }
    }

    private var allMethods: [HTTPRequest.Method] {
        routes.reduce(into: []) { all, route in all += route.methods.filter { !all.contains($0) } }
    }

    /// Methods as the field Allow has them: each path has OPTIONS, too.
    static func list(_ methods: [HTTPRequest.Method]) -> String {
        (methods + [.options]).map(\.rawValue).joined(separator: ", ")
    }
}
