import FanfareCore
import FanfareWire
import NIOCore

/// A client that hears the answer to its request, for as long as it takes: the only handler of its pipeline after the head,
/// but for TLS. What it sends now is nobody's. Lives on its client's event loop.
class StreamTransport: ListenerHandler, ConnectionTransport {
    let form: StreamForm
    /// Where its reader is, for the ids of events of several channels; `nil`: publications bring their own.
    private var places: ReaderPlaces?

    init(_ form: StreamForm, _ places: ReaderPlaces? = nil) { (self.form, self.places) = (form, places) }

    override func handlerAdded(context: ChannelHandlerContext) {
        super.handlerAdded(context: context)
        // A stream of HTTP/2 has no socket of its own.
        if !context.channel.isHTTP2Stream { client?.loop.boundSilence(of: context.channel) }
    }

    var name: TransportName {
        switch form.messages {
        case .events: .sse
        case .lines: .httpStream
        }
    }

    func next(now: UInt64) -> Arrival? { nil }

    func turnEnded(now: UInt64) {}

    var keepAlive: KeepAliveMode? { .serverPingsOnly }

    func seal(_ body: consuming Body) -> ByteBuffer { form.seal(body) }

    var ping: ByteBuffer { form.ping }

    var changesFrames: Bool { places != nil }

    /// Gives an event its id.
    func changed(_ frame: SplitFrame) -> SplitFrame { places?.changed(frame, form.delimiting) ?? frame }

    func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterLastBytes) {
        let retry = client?.loop.node.retryMilliseconds ?? 1_000
        return (form.farewell(disconnect, reason: reason, retry: retry), .endOutput)
    }

    func boundary(in bytes: ByteBuffer, from taken: Int) -> Int { form.boundary(in: bytes, from: taken) }
}
