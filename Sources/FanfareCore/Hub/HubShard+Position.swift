import FanfareWire

extension HubShard {
    /// The place in a channel's stream up to which this loop has passed everything on; `nil` in a channel without history, or
    /// without a subscriber here.
    public func position(of channel: ChannelName) -> StreamPosition? { slots[channel]?.position }
}
