import FanfareCore
import FanfareProtocols

/// All bounds of commands that backends send for clients.
enum CommandBounds {
    /// What an event loop does in one visit: a unit for each client, one more for each KiB that it is told (``ClientCommand/cost``), one
    /// for each look into the directory. Some hundred microseconds, and 256 KiB. A user may have any number of clients, and the rest
    /// come after the sockets had their turn.
    static let visit = 256
    /// Clients of a user that are listed for a unit of a visit: 10 ns each.
    static let listed = 64
    /// What waits for an event loop, in units of ``ClientCommand/cost``: with the largest data 1 MiB. As much may have been taken up there
    /// and not be begun. More is answered as busy.
    static let waiting = 1_024
    /// What waits for an event loop of what emitters want, in the same units: nobody asks again, so it is much, some 32,000 joins, 10 MB
    /// that all loops share. The API's wait apart from these, and in front of them.
    static let waitingRooms = 65_536
    /// Commands that wait for the same subscription of a client, 40 bytes each. Of more it counts as failed.
    static let followers = 16
    /// Bytes of a user's id: half of what fields between nodes have in all. Tokens of the usual size have none as long.
    static let userBytes = 32_768
    /// Clients in a command's list of those that stay: 10 KB between nodes, where fields have 64 KB in all.
    static let exceptions = 256
    /// Bytes of the data of a subscription: below what nodes send each other, with all that stands around it.
    static let dataBytes = 65_536
}

extension ClientCommand {
    /// What it takes to wait for it, or to carry it out for one client: a unit, and one for each KiB that the client is told.
    var cost: Int {
        guard case .subscribe(let wanted) = self, let data = wanted.data else { return 1 }
        return 1 + data.bytes.readableBytes / 1_024
    }
}

extension RoomCommand {
    /// The same of what an emitter wants: a unit for the client's look at each room, by eights, and one for each subscription.
    var cost: Int {
        let subscriptions =
            switch action {
            case .join(let channels), .leave(let channels): channels.count
            case .disconnect: 1
            }
        return 1 + (channels.count + except.count) / 8 + subscriptions
    }
}
