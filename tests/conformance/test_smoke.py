def test_a_person_lets_an_agent_act_and_it_gets_a_token(world):
    scout = world.public_client()
    tokens = world.grant(scout)
    assert tokens["token_type"] == "Bearer"
