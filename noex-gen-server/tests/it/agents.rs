//! Agents.

use std::time::Duration;

use noex_core::{CallError, ExitReason, LocalNode};
use noex_gen_server::{Agent, GenServer};

use crate::support::{Net, id, on};

#[tokio::test]
async fn an_agent_is_read_and_changed_in_the_order_of_its_functions() {
    let node = LocalNode::start(id(1));
    let agent = Agent::start(|| 1_u64).on(&node).await.unwrap();
    Agent::cast(&agent, |number| *number += 1).unwrap();
    Agent::update(&agent, |number| *number *= 10).await.unwrap();
    assert_eq!(Agent::get(&agent, |number| *number).await, Ok(20));
    let before = Agent::get_and_update(&agent, |number| std::mem::replace(number, 3));
    assert_eq!(before.await, Ok(20));
    assert_eq!(
        Agent::get(agent.pid(), |number: &u64| *number).await,
        Err(CallError::NoNode)
    );
    let _inside = node.enter();
    assert_eq!(Agent::get(agent.pid(), |number: &u64| *number).await, Ok(3));
    Agent::<u64>::stop(&agent).await.unwrap();
    assert_eq!(
        Agent::get(&agent, |number| *number).await,
        Err(CallError::NoProcess)
    );
}

#[tokio::test]
async fn a_function_that_panics_ends_the_agent_and_its_caller_knows() {
    let node = LocalNode::start(id(1));
    let agent = Agent::start(Vec::<u8>::new).on(&node).await.unwrap();
    let broken = Agent::get(&agent, |bytes| bytes[7]).timeout(Duration::from_secs(1));
    let Err(CallError::Exited(ExitReason::Panic(_))) = broken.await else {
        panic!("its caller learns the reason");
    };
    assert!(!node.is_alive(agent.pid()));
}

#[tokio::test]
async fn a_function_does_not_leave_its_node() {
    let (_net, nodes) = Net::of(2);
    let agent = Agent::start(|| 1_u64).on(&nodes[0]).await.unwrap();
    let there = Agent::get(agent.pid(), |number: &u64| *number);
    assert_eq!(on(&nodes[1], there).await, Err(CallError::LocalOnly));
}
