import FanfareCore
import HTTPTypes
import NIOCore

/// One request on the public port and its answer, whatever carries them.
///
/// Belongs to the event loop of its carrier. An endpoint answers once, now or later: with a whole answer (``answer(_:_:_:)``,
/// ``refuse(_:_:_:fields:retry:)``), in parts (``stream(_:_:)``) or by taking the connection (``handOver(_:to:)``). What it does
/// after that, or after the client has gone, has no effect.
final class Exchange {
    let loop: LoopState
    /// Method, fields without Host, and path with query in origin form.
    let request: HTTPRequest
    /// The other end of the connection, or for whom it speaks by the PROXY protocol.
    let peer: ClientAddress
    /// Whether its connection can be handed over to another protocol.
    let isUpgradable: Bool
    /// The host that the request is for.
    var host: HostField?
    /// Whether a page sent it that may come in, and so may read the answer.
    var mayPageRead = false
    /// Whether its client asks again at once when its answer in parts is over, also where the node is on its way out.
    var isFollowed = false
    /// Called once if the connection ends before the answer is complete.
    var onGone: (() -> Void)?
    /// Called when a client that was slow takes the parts of an answer again.
    var onWritable: (() -> Void)?
    private(set) var carrier: (any ExchangeCarrier)?

    /// Where it comes from. Found out when somebody asks, once for each request: a proxy sends those of many clients on one
    /// connection.
    private(set) lazy var caller = loop.node.clientAddresses.caller(peer: peer, request.headerFields)
    /// The token that it brings along; `nil`: none, or none that counts here.
    var token: String? { requestToken?.value }
    /// Where that is; `nil`: tokens mean nothing here.
    private(set) lazy var requestToken = findToken()

    /// - Parameter request: its path is in origin form.
    init(
        _ request: HTTPRequest, loop: LoopState, carrier: any ExchangeCarrier, peer: ClientAddress, isUpgradable: Bool
    ) {
        self.request = request
        self.loop = loop
        self.carrier = carrier
        self.peer = peer
        self.isUpgradable = isUpgradable
    }

    /// Path and query, as they were sent.
    var path: String { request.path ?? "" }
    var limits: Limits { loop.node.configuration.limits }
    /// Whether the client sees that an answer whose length it does not know was cut: by its chunks, or by the reset of its stream. By
    /// HTTP/1.0 it ends with its connection in any case.
    var showsCuts: Bool { isUpgradable || carrier is HTTP2Stream }
    /// Whether it is answered, or nobody is there any more.
    var isOver: Bool { carrier == nil }

    /// No cookie brings a token: whoever made the browser send the request can read the answer.
    func ignoreCookies() { requestToken = findToken(ignoringCookies: true) }

    /// Answers, and keeps the connection where the request allows that.
    func answer(_ status: HTTPResponse.Status, _ fields: HTTPFields = [:], _ body: ByteBuffer = ByteBuffer()) {
        var response = HTTPResponse(status: status, headerFields: fields)
        addReaders(to: &response.headerFields)
        carrier?.answer(response, body, isLast: false)
    }

    /// Answers with an error, counts it, and ends the connection.
    ///
    /// - Parameters:
    ///   - message: for the person who reads the answer, and for the log.
    ///   - retry: whether the client is told when to come back.
    func refuse(
        _ reason: RefusalReason, _ status: HTTPResponse.Status, _ message: String, fields: HTTPFields = [:],
        retry: Bool = false
    ) {
        guard let carrier else { return }
        loop.metrics.refusals.add(reason)
        log(reason, status, message)
        let later = retry ? PublicRouter.laterAnswer(to: self, message) : nil
        var (response, body) = later ?? loop.refusal(status, message, fields: fields, retry: retry)
        addReaders(to: &response.headerFields)
        carrier.answer(response, body, isLast: true)
    }

    /// Answers with a head, and a body in parts, for as long as it takes.
    ///
    /// - Returns: `nil`: nobody takes a body. The client has gone, or asked with HEAD and has its answer.
    func stream(_ status: HTTPResponse.Status, _ fields: HTTPFields = [:]) -> ResponseStream? {
        var response = HTTPResponse(status: status, headerFields: fields)
        addReaders(to: &response.headerFields)
        return carrier?.beginBody(response) == true ? ResponseStream(exchange: self) : nil
    }

    /// The answer will take longer than a request may: from now on only its endpoint ends the wait. Whoever waits like this
    /// holds a descriptor, so the endpoint has counted it (``admit(_:)``).
    func holdOpen() { carrier?.holdOpen() }

    /// Gives the client up, who takes nothing of its answer.
    func abort() { carrier?.abort() }

    /// Answers with a head, behind which the connection belongs to `handler`.
    ///
    /// - Returns: whether it has it. Not when the client has gone.
    func handOver(_ response: HTTPResponse, to handler: any ChannelHandler) -> Bool {
        var response = response
        if response.status != .switchingProtocols { addReaders(to: &response.headerFields) }
        return carrier?.handOver(response, to: handler) ?? false
    }

    /// Its carrier: the answer is complete.
    func completed() {
        carrier = nil
        onGone = nil
        onWritable = nil
    }

    /// Its carrier: nobody is there any more.
    func gone() {
        let action = onGone
        completed()
        action?()
    }
}

extension LoopState {
    /// The answer that says why there is none.
    func refusal(
        _ status: HTTPResponse.Status, _ message: String, fields: HTTPFields = [:], retry: Bool
    ) -> (HTTPResponse, ByteBuffer) {
        var fields = fields
        fields[.contentType] = "text/plain; charset=utf-8"
        if retry { fields[.retryAfter] = "\(node.retryAfter)" }
        return (HTTPResponse(status: status, headerFields: fields), ByteBuffer(string: message + "\n"))
    }
}
