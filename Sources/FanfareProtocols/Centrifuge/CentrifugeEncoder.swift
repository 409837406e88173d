import FanfareCore
import FanfareWire

/// Writes what a node says in one encoding of the Centrifuge client protocol. A body is one message, of which a client may
/// get several at once.
protocol CentrifugeEncoder: PublicationListEncoder {
    /// The node's ping; clients answer with the same.
    static var ping: Body { get }

    /// A publication in a channel.
    static func publicationPush(_ publication: Publication) -> Body
    /// All of a publication, for a subscription with deltas.
    static func wholePush(_ publication: Publication) -> Body
    /// What changed since the publication before; `nil` where that is no smaller.
    static func deltaPush(_ publication: Publication, after previous: Publication) -> Body?
    /// Writes publications in a list for a subscription with deltas: all of them whole.
    static var wholeItems: any PublicationListEncoder.Type { get }
    /// Another client came into a channel, or left.
    static func presencePush(_ event: PresenceEvent) -> Body
    /// The node ended a subscription. Codes from 2500 make SDKs subscribe again by themselves.
    static func unsubscribePush(_ channel: ChannelName, code: UInt32, reason: String) -> Body
    /// The node made a subscription.
    ///
    /// - Parameters:
    ///   - position: where it begins; `nil` in a channel without history.
    ///   - isRecoverable: whether the client may come back with its position.
    ///   - data: what the backend says with it.
    static func subscribePush(
        _ channel: ChannelName, position: StreamPosition?, isRecoverable: Bool, data: Payload?
    ) -> Body
    /// The backend has changed when the client expires.
    ///
    /// - Parameter ttl: seconds until then; `nil`: never.
    static func refreshPush(ttl: UInt32?) -> Body
    /// Why the node ends a client, where no close frame says it.
    static func disconnectPush(code: UInt16, reason: String) -> Body

    /// The reply to `connect`.
    ///
    /// - Parameters:
    ///   - session: what the client shows with requests of its own; `nil`: it has none.
    ///   - ping: seconds between the node's pings; `nil`: there are none.
    ///   - pong: whether the client has to answer them.
    ///   - ttl: seconds until the client has to refresh its token; `nil`: never.
    ///   - subscriptions: those that the node made.
    static func connectReply(
        id: UInt32, client: String, version: String, node: String, session: String?, ping: Int?, pong: Bool,
        ttl: UInt32?, subscriptions: [(ChannelName, CentrifugeSubscribeResult)]
    ) -> Body
    /// The reply to `subscribe`.
    static func subscribeReply(id: UInt32, _ result: CentrifugeSubscribeResult) -> Body
    /// The reply to `history`.
    static func historyReply(id: UInt32, publications: [Publication], position: StreamPosition) -> Body
    /// The reply to `presence`.
    static func presenceReply(id: UInt32, _ members: [ClientInfo]) -> Body
    /// The reply to `presence_stats`.
    static func presenceStatsReply(id: UInt32, clients: Int, users: Int) -> Body
    /// The reply to `refresh`.
    ///
    /// - Parameter ttl: seconds until the next one; `nil`: never.
    static func refreshReply(id: UInt32, client: String, version: String, ttl: UInt32?) -> Body
    /// The reply to `sub_refresh`.
    ///
    /// - Parameter ttl: seconds until the next one; `nil`: never.
    static func subRefreshReply(id: UInt32, ttl: UInt32?) -> Body
    /// A reply whose result is empty.
    static func emptyReply(id: UInt32, method: CentrifugeMethod) -> Body
    /// A reply that says what went wrong.
    static func errorReply(id: UInt32, _ error: CentrifugeError) -> Body
}
