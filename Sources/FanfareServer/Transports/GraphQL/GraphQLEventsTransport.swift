import FanfareCore
import FanfareWire
import NIOCore

/// A client of GraphQL that hears its one operation as an event stream. Messages are whole events. Lives on its client's event loop.
final class GraphQLEventsTransport: StreamTransport {
    let publisher: ClientGroup?

    init(_ form: StreamForm, _ publisher: ClientGroup?) {
        self.publisher = publisher
        super.init(form)
    }

    /// What it sent before it went was taken, so it counts.
    override func channelInactive(context: ChannelHandlerContext) {
        client?.takeLastTurn()
        super.channelInactive(context: context)
    }

    override func seal(_ body: consuming Body) -> ByteBuffer { form.delimiting.seal(body.bytes) }

    /// Its clients come back where a stream ends without `complete`; they know no other word for it.
    override func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterLastBytes) {
        (form.delimiting.end, .endOutput)
    }
}
