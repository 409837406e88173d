import FanfareCore
import FanfareWire
import NIOCore

/// What a client wants of a channel's publications: deltas, or only some of them.
extension CentrifugeSession {
    /// What a subscription is given of it.
    static func selection(
        _ request: CentrifugeSubscribe, _ rules: ChannelRules
    ) throws(CentrifugeError) -> Selection? {
        guard request.delta.isEmpty || request.delta == "fossil" else {
            throw .badRequest("unknown delta '\(request.delta.string.prefix(16))'; there is fossil")
        }
        switch request.filter {
        case .success(let filter):
            guard rules.tagsFilter else { throw .badRequest("subscriptions of this channel can't have a filter") }
            // What a filter leaves out no delta can be made of.
            return .filtered(filter)
        case .failure(let problem): throw .badRequest("\(problem)")
        case nil:
            // Who asks in vain is told by the reply, and goes on without.
            return !request.delta.isEmpty && rules.delta == .fossil ? .deltas : nil
        }
    }
}

extension PublicationListEncoder {
    /// All of these.
    static func items(_ publications: [Publication]) -> ByteBuffer {
        var buffer = ByteBuffer()
        for (index, publication) in publications.enumerated() {
            if index > 0 { buffer.writeStaticString(separator) }
            writeItem(publication, into: &buffer)
        }
        return buffer
    }
}
