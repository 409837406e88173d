import FanfareCore
import FanfareWire

/// The channels of a stream: that of its path, and those that its query adds, `?channel=b&channel=c`.
enum StreamChannels {
    typealias Problem = RecoveryQuery.Problem

    /// - Parameters:
    ///   - first: that of the path.
    ///   - target: the request target as received.
    /// - Returns: at least one.
    static func names(_ first: ChannelName, _ target: String, _ limits: Limits) throws(Problem) -> [ChannelName] {
        var names = [first]
        let limit = min(limits.maxChannelsPerClient, maximum)
        for item in QueryItems(target) where item.name.elementsEqual("channel".utf8) {
            guard names.count < limit else {
                throw Problem(description: "a stream has at most \(limit) channels")
            }
            guard let text = PercentEncoding.decoded(item.value) else {
                throw Problem(description: "\(ChannelNameError.notUTF8)")
            }
            let name: ChannelName
            do {
                name = try ChannelName(text, limit: limits.maxChannelNameBytes)
            } catch {
                throw Problem(description: "\(error)")
            }
            guard !names.contains(name) else { throw Problem(description: "channel '\(name)' is named twice") }
            names.append(name)
        }
        return names
    }

    /// Checks that an event's id has room for the positions of these channels, whatever becomes of their epochs.
    ///
    /// - Parameter isBack: whether the reader comes back. An answer with an error would end an `EventSource` for good, so where more
    ///   channels keep a history than when it began, its ids are longer.
    static func checkIDs(_ channels: [(name: ChannelName, rules: ChannelRules)], isBack: Bool) throws(Problem) {
        let count = channels.count { $0.rules.history != nil }
        let limit = isBack ? PositionList.longestCount : PositionList.comfortableCount
        guard count > limit else { return }
        throw Problem(
            description: "an event's id of \(PositionList.comfortableBytes) bytes has room for the positions of "
                + "\(PositionList.comfortableCount) channels: take fewer that keep a history, or /stream")
    }

    /// Where the reader wants to begin in each of them, and whether it came back with what can't be understood.
    ///
    /// `Last-Event-ID` counts before the address, as with one channel.
    static func wishes(
        _ channels: [(name: ChannelName, rules: ChannelRules)], _ target: String, lastEventID: [String]
    ) throws(Problem) -> (wishes: [RecoveryRequest], isLost: Bool) {
        let kept = channels.filter { $0.rules.history != nil }.map { $0.name }
        let usual = channels.map { $0.rules.recovery == .cache ? RecoveryRequest.last(1) : .none }
        var wishes = usual
        for item in QueryItems(target) {
            if item.name.elementsEqual("since".utf8) {
                guard let list = PercentEncoding.decoded(item.value).flatMap({ PositionList($0, of: kept) }) else {
                    throw Problem(description: "since must be \(PositionList.form)")
                }
                wishes = since(list, channels)
            } else if item.name.elementsEqual("last".utf8) {
                let count = try RecoveryQuery.count(item.value)
                wishes = channels.map { $0.rules.history == nil ? .none : .last(count) }
            } else {
                continue
            }
            guard !kept.isEmpty else { throw Problem(description: "none of the channels keeps a history") }
        }
        guard let text = lastEventID.first, !(lastEventID.count == 1 && text.isEmpty) else { return (wishes, false) }
        guard lastEventID.count == 1, !kept.isEmpty, let list = PositionList(text, of: kept, isChecked: true) else {
            return (usual, true)
        }
        return (since(list, channels), false)
    }

    private static func since(
        _ list: PositionList, _ channels: [(name: ChannelName, rules: ChannelRules)]
    ) -> [RecoveryRequest] {
        var positions = list.positions[...]
        return channels.map { channel in
            guard channel.rules.history != nil, let position = positions.popFirst() else { return .none }
            return .since(position)
        }
    }
}
