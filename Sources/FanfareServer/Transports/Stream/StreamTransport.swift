import FanfareCore
import FanfareWire
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A client that hears the answer to its request, for as long as it takes: the only handler of its pipeline after the head,
/// but for TLS. What it sends now is nobody's. Lives on its client's event loop.
class StreamTransport: ListenerHandler, ConnectionTransport {
    let form: StreamForm
    /// Where its reader is, for the ids of events of several channels; `nil`: publications bring their own.
    private var places: ReaderPlaces?

    init(_ form: StreamForm, _ places: ReaderPlaces? = nil) { (self.form, self.places) = (form, places) }

    override func handlerAdded(context: ChannelHandlerContext) {
        super.handlerAdded(context: context)
        boundSilence(context.channel)
    }

    func next(now: UInt64) -> Arrival? { nil }

    func turnEnded(now: UInt64) {}

    var keepAlive: KeepAliveMode? { .serverPingsOnly }

    /// Nothing comes back from a reader, so one that is gone without a word is found by TCP: here when it has acknowledged or
    /// taken nothing new for so long (tcp(7), `TCP_USER_TIMEOUT`), by itself after some 15 minutes. Later than the node finds a
    /// slow consumer, which is told why it ends.
    private func boundSilence(_ channel: any Channel) {
        #if os(Linux)
        guard let client else { return }
        let keepAlive = client.loop.node.configuration.keepAlive
        let ping = keepAlive.pingInterval.map { $0 + keepAlive.pongTimeout } ?? .zero
        let milliseconds = (client.limits.slowTimeout + ping).microseconds / 1_000
        try? channel.syncOptions?.setOption(
            .tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: SocketOptionValue(clamping: milliseconds))
        #endif
    }

    func seal(_ body: consuming Body) -> ByteBuffer { form.seal(body) }

    var ping: ByteBuffer { form.ping }

    var changesFrames: Bool { places != nil }

    /// Gives an event its id.
    func changed(_ frame: SplitFrame) -> SplitFrame { places?.changed(frame, form.delimiting) ?? frame }

    func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterFarewell) {
        let retry = client?.loop.node.retryMilliseconds ?? 1_000
        return (form.farewell(disconnect, reason: reason, retry: retry), .endOutput)
    }

    func boundary(in bytes: ByteBuffer, from taken: Int) -> Int { form.boundary(in: bytes, from: taken) }
}
